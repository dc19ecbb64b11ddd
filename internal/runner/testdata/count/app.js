// A server that numbers its lines, and writes each of them in two halves.
const fs = require("node:fs");
const http = require("node:http");
http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts);
    response.end(body.length ? body : "hello");
  });
}).listen(process.env.PORT, "127.0.0.1");
let number = 0;
let rest = "";
setInterval(() => {
  const line = `line ${process.pid} ${number++}\n`;
  fs.writeSync(1, rest + line.slice(0, 5));
  rest = line.slice(5);
}, 2);
