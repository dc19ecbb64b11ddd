const http = require('http');
function stuckHere() {
  for (;;) { Math.sqrt(2); } // STUCK
}
http.createServer((req, res) => { console.log('HANGING'); stuckHere(); res.end(); }).listen(process.env.PORT, '127.0.0.1');
