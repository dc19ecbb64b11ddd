// A server that knows nothing of workers, drains and reloads.
const http = require("node:http");
http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    if (request.url.startsWith("/fault")) throw new Error("the fault that was asked for");
    const body = Buffer.concat(parts);
    response.setHeader("X-Pid", String(process.pid));
    response.end(body.length ? body : "hello");
  });
}).listen(process.env.PORT, "127.0.0.1");
