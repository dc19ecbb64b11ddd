# Writes the stacks of all threads to ROADWORTHY_DUMP on signal $SIGNAL.
begin
  if (path = ENV["ROADWORTHY_DUMP"]) && File.writable?(path)
    roadworthy_dump = File.open(path, File::WRONLY | File::APPEND)
    Signal.trap($SIGNAL) do
      text = +""
      Thread.list.each do |thread|
        text << "Thread #{thread.inspect}\n"
        (thread.backtrace || []).each { |line| text << "  #{line}\n" }
      end
      roadworthy_dump.syswrite(text)
    end
  end
rescue StandardError
  nil
end
