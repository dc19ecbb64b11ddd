require 'socket'
def stuck_here
  sleep # STUCK
end
server = TCPServer.new('127.0.0.1', ENV['PORT'].to_i)
loop do
  conn = server.accept
  next unless conn.gets
  $stderr.puts 'HANGING'
  stuck_here
end
