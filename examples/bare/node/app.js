// A web application of twenty lines that knows nothing of production.
const http = require("node:http");

const routes = {
  "/": (request, response) => response.end(process.env.GREETING || "hello"),
  "/slow": (request, response) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500); response.end("slow"); },
  "/fault": () => { throw new Error("the fault that was asked for"); },
};

http.createServer((request, response) => {
  const route = routes[request.url.split("?")[0]];
  try {
    if (route) return route(request, response);
    response.writeHead(404).end("not found");
  } catch (error) {
    console.error(error);
    response.writeHead(500).end("error");
  }
}).listen(process.env.PORT);
