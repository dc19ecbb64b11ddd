# A server that hangs on /hang.
require 'socket'

def stuck_here
  sleep # STUCK
end

server = TCPServer.new('127.0.0.1', ENV['PORT'].to_i)
loop do
  Thread.new(server.accept) do |conn|
    target = conn.gets.to_s.split[1].to_s
    nil until conn.gets.to_s.strip.empty?
    stuck_here if target.start_with?('/hang')
    conn.write "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    conn.close
  end
end
