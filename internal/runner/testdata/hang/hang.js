// A server that hangs on /hang.
const http = require('http');

function stuckHere() {
  for (;;) { Math.sqrt(2); } // STUCK
}

http.createServer((request, reply) => {
  if (request.url.startsWith('/hang')) stuckHere();
  reply.end('hello');
}).listen(process.env.PORT, '127.0.0.1');
