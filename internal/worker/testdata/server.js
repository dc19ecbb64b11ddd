require('http').createServer((req, res) => {
  req.resume();
  req.on('end', () => res.end('ok'));
}).listen(process.env.PORT, '127.0.0.1');
