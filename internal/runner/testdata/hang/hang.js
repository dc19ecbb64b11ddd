// A server that hangs on /hang, and on /later when it has answered.
const http = require('http');

function stuckHere() {
  for (;;) { Math.sqrt(2); } // STUCK
}

http.createServer((request, reply) => {
  if (request.url.startsWith('/hang')) stuckHere();
  if (request.url === '/later') setTimeout(stuckHere, 100);
  reply.end('hello');
}).listen(process.env.PORT, '127.0.0.1');
