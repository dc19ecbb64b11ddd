require 'socket'
server = TCPServer.new('127.0.0.1', ENV['PORT'].to_i)
loop do
  Thread.new(server.accept) do |conn|
    if conn.gets
      nil while (line = conn.gets) && line != "\r\n"
      conn.write "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    end
    conn.close
  end
end
