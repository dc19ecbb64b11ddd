<?php // Traces of PHP, each between two marks; see record.py.
namespace Shop;

$style = getenv('TRACE_STYLE');
ini_set('display_errors', $style === 'display' ? '1' : '0');
ini_set('html_errors', '0');
ini_set('log_errors', $style === 'display' ? '0' : '1');
mt_srand(7);
function mark(string $word, string $name = ''): void {
    clearstatcache();
    file_put_contents(getenv('TRACE_MARKS'), "$word " . filesize(getenv('TRACE_LOG')) . " $name\n", FILE_APPEND);
}
function out(string $text): void { fwrite(STDERR, $text . "\n"); }
function note(string $text): void {
    global $style;
    match ($style) { 'log' => error_log($text), 'display' => out($text), default => out('[' . date('Y-m-d H:i:s') . "] shop.INFO: $text {\"id\":7} []") };
}
function calm(bool $errors = false): void {
    global $style;
    $lines = ['GET /items/%d 200 in %d ms', 'cache filled: %d keys at %d', 'no error in %d files of %d', 'mail %d sent after %d s'];
    for ($i = mt_rand(1, 3); $i > 0; $i--) note(sprintf($lines[mt_rand(0, 3)], mt_rand(1, 900), mt_rand(1, 900)));
    if ($errors && $style === 'caught' && mt_rand(0, 9) < 4) { out('[' . date('Y-m-d H:i:s') . '] shop.ERROR: payment failed {"id":8} []'); note('carry on'); }
}
class Oops extends \Exception {}
class Missing extends \RuntimeException {}
final class Cart { public function add($x) { return $this->each(fn ($y) => self::fail($y, $x)); } private function each($f) { return array_map($f, [1]); } static function fail($y, $x) { throw new Oops("cannot add $x", 3); } }
function deep(int $n, callable $f) { return $n ? deep($n - 1, $f) : $f('a rather long argument', [1], new Cart); }
function typed(int $x): int { return $x; }
$kinds = [
    'plain' => fn () => throw new \Exception('bad value'), 'nothing' => fn () => throw new \Exception(), 'missing' => fn () => throw new Missing('no such item'),
    'oops' => fn () => throw new Oops('custom'), 'type' => fn () => typed('x'), 'undefined' => fn () => nowhere(), 'nullcall' => fn () => (null)->x(),
    'division' => fn () => intdiv(1, 0), 'modulo' => fn () => 1 % 0, 'argument' => fn () => array_combine([1], [1, 2]), 'match' => fn () => match (3) { 1 => 2 },
    'lines' => fn () => throw new Oops("first\nsecond line\n  indented: yes"), 'blank' => fn () => throw new Oops("first\n\nafter a blank line"),
    'tongue' => fn () => throw new \DomainException('größer 数 🚚'), 'long' => fn () => throw new \LengthException(str_repeat('x', 3000)),
    'json' => fn () => json_decode('{nope', flags: JSON_THROW_ON_ERROR), 'method' => fn () => (new Cart)->add('pear'), 'class' => fn () => new Nowhere(),
    'cause' => function () { try { typed('x'); } catch (\Error $e) { throw new Missing('cannot load', 1, $e); } },
    'causes' => function () use (&$kinds) { try { $kinds['cause'](); } catch (\Exception $e) { throw new Oops('outer', 1, $e); } },
    'causelines' => function () use (&$kinds) { try { $kinds['lines'](); } catch (\Exception $e) { throw new Oops("outer\nof two lines", 1, $e); } },
    'assertion' => fn () => throw new \AssertionError('assert($x > 1)'), 'constant' => fn () => NOWHERE, 'readonly' => fn () => (new \DateTimeImmutable('nope')),
    'newline' => fn () => (fn ($text) => throw new Oops('an argument of two lines'))("one\ntwo"),
    'generator' => fn () => iterator_to_array((function () { yield 1; throw new Oops('in a generator'); })()), 'iterator' => fn () => iterator_apply(new \ArrayIterator([1]), fn () => throw new Oops('called by the engine')),
    'overflow' => fn () => throw new \OverflowException('full'),
];
function caught(callable $f, int $n = 0): \Throwable { try { deep($n, $f); } catch (\Throwable $e) { return $e; } }
$emitters = [
    'errorlog' => fn ($f) => error_log((string) caught($f, mt_rand(0, 4))),
    'echoed' => fn ($f) => out((string) caught($f, 1)),
    'monolog' => function ($f) { $e = caught($f, 1); out('[' . date('Y-m-d H:i:s') . '] shop.ERROR: ' . strtok($e->getMessage(), "\n") . ' {"exception":"[object] (' . $e::class . '(code: ' . $e->getCode() . '): ' . strtok($e->getMessage(), "\n") . ' at ' . $e->getFile() . ':' . $e->getLine() . ")\n[stacktrace]\n" . $e->getTraceAsString() . "\n\"} "); },
    'below' => function ($f) { $e = caught($f, 2); out('[' . date('Y-m-d H:i:s') . '] shop.ERROR: ' . strtok($e->getMessage(), "\n") . "\n" . $e->getTraceAsString()); },
    'jsonline' => function ($f) { $e = caught($f, 1); out(json_encode(['level' => 'error', 'message' => 'failed', 'exception' => (string) $e])); },
    'jsonlist' => function ($f) { $e = caught($f, 1); out(json_encode(['level_name' => 'ERROR', 'context' => ['exception' => ['class' => $e::class, 'file' => $e->getFile() . ':' . $e->getLine(), 'trace' => array_map(fn ($t) => ($t['file'] ?? '') . ':' . ($t['line'] ?? ''), $e->getTrace())]]], JSON_UNESCAPED_SLASHES)); },
];
$used = ['log' => ['errorlog'], 'display' => ['echoed', 'jsonline'], 'caught' => ['below', 'monolog', 'jsonlist', 'echoed']][$style];
function number(string $t): int { $n = 0; foreach (str_split($t) as $i => $c) $n += ord($c) * ($i + 3); return $n; }
function cases(): \Generator {
    global $used, $kinds, $style;
    foreach ($used as $e) foreach ($kinds as $k => $_) if ($e === $used[0] || number($e . $k) % 3 === 0) yield "$e-$k";
    foreach ($kinds as $k => $_) if (number($style . $k) % 2 === 0 && $style !== 'caught') yield "die-$k";
}
if ($argv[1] === 'list') { foreach (cases() as $c) echo "$c\n"; exit; }
foreach (array_slice($argv, 1) as $name) {
    [$emitter, $kind] = explode('-', $name);
    calm();
    note("now $emitter $kind");
    mark('begin', $name);
    if ($emitter === 'die') deep(mt_rand(0, 3), $kinds[$kind]);
    $emitters[$emitter]($kinds[$kind]);
    mark('end');
    calm(true);
    note('behind');
}
