# A server that knows nothing of workers, drains and reloads.
require "socket"
server = TCPServer.new("127.0.0.1", Integer(ENV.fetch("PORT")))
loop do
  Thread.new(server.accept) do |client|
    while (line = client.gets)
      length = 0
      while (field = client.gets) && field != "\r\n"
        length = Integer(field.split(":")[1]) if field.downcase.start_with?("content-length:")
      end
      body = length.positive? ? client.read(length) : "hello"
      client.write("HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\nX-Pid: #{Process.pid}\r\n\r\n#{body}")
    end
  rescue SystemCallError, IOError
    nil
  ensure
    client.close
  end
end
