# Traces of Ruby, each between two marks; see record.py.
require "json"
require "logger"
$stdout.sync = $stderr.sync = true
STYLE = ENV["TRACE_STYLE"]
LOG = Logger.new($stderr)
RNG = Random.new(7)
def mark(word, name = "") = File.open(ENV["TRACE_MARKS"], "a") { |f| f.puts "#{word} #{File.size(ENV["TRACE_LOG"])} #{name}" }
def log(level, text) = STYLE == "plain" ? puts(text) : LOG.send(level, text)
def calm(errors = false)
  lines = ["GET /items/%d 200 in %d ms", "cache filled: %d keys at %d", "no error in %d files of %d", "worker %d booted in %d ms"]
  (1 + RNG.rand(3)).times { log(RNG.rand(4) > 0 ? :info : :debug, lines[RNG.rand(4)] % [RNG.rand(900), RNG.rand(900)]) }
  if errors && STYLE != "plain" && RNG.rand(10) < 4
    LOG.error("payment failed: Error card declined")
    LOG.info("carry on")
  end
end
class ShopError < StandardError; end
module Shop
  class Missing < KeyError; end
  class Cart
    def add(x) = items.each { |i| i.fetch(x) }
    def items = [{}]
  end
end
def deep(n, f) = n == 0 ? f.call : deep(n - 1, f)
K = {
  plain: -> { raise "bad value" }, empty: -> { raise ShopError, "" }, noarg: -> { raise ShopError }, bare: -> { raise },
  key: -> { {}.fetch(:b) }, division: -> { 1 / 0 }, name: -> { nowhere }, method: -> { nil.upcase }, suggest: -> { [1].frist },
  integer: -> { Integer("x") }, arguments: -> { deep(1) }, frozen: -> { "a".freeze << "b" }, missing: -> { raise Shop::Missing, "no such item" },
  lines: -> { raise ShopError, "first\nsecond line\n  indented: yes" }, blank: -> { raise ShopError, "first\n\nafter a blank line" },
  tongue: -> { raise ArgumentError, "größer 数 🚚" }, long: -> { raise "x" * 3000 }, system: -> { File.read("/nonexistent") },
  cause: -> { begin; {}.fetch(:b); rescue KeyError; raise ShopError, "cannot load"; end },
  causes: -> { begin; K[:cause].call; rescue; raise Shop::Missing, "again"; end },
  causelines: -> { begin; K[:lines].call; rescue; raise ShopError, "outer"; end },
  block: -> { Shop::Cart.new.add(:x) }, recursion: -> { def again(n) = n == 0 ? nowhere : again(n - 1); again(150) }, json: -> { JSON.parse("{nope") },
  type: -> { 1 + "a" }, range: -> { [3].first(-1) }, stop: -> { loop { raise ShopError, "in a loop" } }, load: -> { require "no_such_gem" },
}
def caught(f, n = 0) = begin; deep(n, f); rescue Exception => e; e; end
E = {
  logged: ->(f) { LOG.error(caught(f, RNG.rand(5))) },
  traced: ->(f) { e = caught(f, 1); LOG.error("failed: #{e.class}: #{e.message}\n#{e.backtrace.join("\n")}") },
  full: ->(f) { $stderr.puts caught(f, 2).full_message(highlight: false, order: :top) },
  reversed: ->(f) { $stderr.puts caught(f, 2).full_message(highlight: false, order: :bottom) },
  logfull: ->(f) { LOG.fatal(caught(f, 1).full_message(highlight: false)) },
  thread: ->(f) { Thread.new { deep(1, f) }.join rescue nil },
  jsonline: ->(f) { e = caught(f, 1); $stderr.puts({ level: "error", message: e.message, stack_trace: e.backtrace.join("\n") }.to_json) },
  jsonlist: ->(f) { e = caught(f, 1); $stderr.puts({ level: "error", exception: { class: e.class, backtrace: e.backtrace } }.to_json) },
}
EMITTERS = { "plain" => %i[full reversed thread jsonline], "logger" => %i[logged traced full logfull jsonlist] }[STYLE]
def number(text) = text.each_char.with_index.sum { |c, i| c.ord * (i + 3) }
def cases
  EMITTERS.flat_map { |e| K.keys.filter_map { |k| "#{e}-#{k}" if e == EMITTERS[0] || number("#{e}#{k}") % 3 == 0 } } +
    K.keys.filter_map { |k| "die-#{k}" if k != :recursion && number("#{STYLE}#{k}") % 2 == 0 }
end
def run(name)
  emitter, kind = name.split("-").map(&:to_sym)
  calm
  log(:info, "now #{emitter} #{kind}")
  mark("begin", name)
  return deep(RNG.rand(3), K[kind]) if emitter == :die
  E[emitter].call(K[kind])
  mark("end")
  calm(true)
  log(:info, "behind")
end
ARGV[0] == "list" ? puts(cases) : ARGV.each { |name| run(name) }
