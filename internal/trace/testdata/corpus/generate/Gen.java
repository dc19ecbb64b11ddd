// Traces of Java, each between two marks; see record.py.
import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.*;

public class Gen {
    static final String STYLE = System.getenv("TRACE_STYLE");
    static final Random RNG = new Random(7);
    static Consumer<String> info, debug;
    static BiConsumer<String, Throwable> error, warn;

    static void mark(String word, String name) throws IOException {
        System.out.flush(); System.err.flush();
        Files.writeString(Path.of(System.getenv("TRACE_MARKS")), word + " " + Files.size(Path.of(System.getenv("TRACE_LOG"))) + " " + name + "\n", StandardOpenOption.APPEND);
    }

    static void loggers() {
        switch (STYLE) {
            case "jul" -> {
                var log = java.util.logging.Logger.getLogger("shop");
                info = log::info; debug = log::config;
                error = (m, e) -> log.log(java.util.logging.Level.SEVERE, m, e);
                warn = (m, e) -> log.log(java.util.logging.Level.WARNING, m, e);
            }
            case "logback" -> {
                var log = org.slf4j.LoggerFactory.getLogger("shop.orders.Service");
                info = log::info; debug = log::debug; error = log::error; warn = log::warn;
            }
            case "log4j" -> {
                org.apache.logging.log4j.core.config.Configurator.initialize(config());
                var log = org.apache.logging.log4j.LogManager.getLogger("shop.Orders");
                info = log::info; debug = log::debug; error = (m, e) -> log.error(m, e); warn = (m, e) -> log.warn(m, e);
            }
            default -> {
                info = debug = System.out::println;
                error = warn = (m, e) -> { if (e != null) e.printStackTrace(); };
            }
        }
    }

    static org.apache.logging.log4j.core.config.Configuration config() {
        var b = org.apache.logging.log4j.core.config.builder.api.ConfigurationBuilderFactory.newConfigurationBuilder();
        b.add(b.newAppender("err", "Console").addAttribute("target", "SYSTEM_ERR").add(b.newLayout("PatternLayout").addAttribute("pattern", "%d{ISO8601} [%t] %-5level %logger{36} - %msg%n")));
        b.add(b.newRootLogger(org.apache.logging.log4j.Level.DEBUG).add(b.newAppenderRef("err")));
        return b.build();
    }

    static void calm(boolean errors) {
        String[] lines = {"GET /items/%d 200 in %d ms", "cache filled: %d keys at %d", "no error in %d files of %d", "Started Service in %d.%d seconds"};
        for (int i = RNG.nextInt(3); i >= 0; i--) (RNG.nextInt(4) > 0 ? info : debug).accept(String.format(lines[RNG.nextInt(4)], RNG.nextInt(900), RNG.nextInt(900)));
        if (errors && !STYLE.equals("plain") && RNG.nextInt(10) < 4) { error.accept("payment failed: Exception while charging", null); info.accept("carry on"); }
    }

    static class ShopException extends RuntimeException { ShopException(String m, Throwable c) { super(m, c); } }
    static class Missing extends Exception { Missing(String m) { super(m); } }
    static class Odd extends RuntimeException { public String toString() { return "shop.Odd[code=3]: odd text"; } }
    static class Closing implements AutoCloseable { public void close() { throw new IllegalStateException("close failed"); } }
    record Order(int id) { Order { if (id < 0) throw new IllegalArgumentException("id: " + id); } }

    interface Action { Object run() throws Throwable; }
    static Object deep(int n, Action a) throws Throwable { return n == 0 ? a.run() : deep(n - 1, a); }
    static Throwable caught(Action a) { try { a.run(); } catch (Throwable e) { return e; } return null; }
    static Object fail(Throwable e) throws Throwable { throw e; }
    static int forever(int n) { return forever(n + 1) + 1; }

    static final Map<String, Action> K = new LinkedHashMap<>();
    static {
        K.put("plain", () -> fail(new IllegalStateException("bad value")));
        K.put("noarg", () -> fail(new UnsupportedOperationException()));
        K.put("npe", () -> ((String) null).length());
        K.put("index", () -> { int[] two = new int[2]; two[9]++; return two; });
        K.put("cast", () -> (Integer) (Object) "x");
        K.put("number", () -> Integer.parseInt("x1"));
        K.put("division", () -> 1 / (K.size() - K.size()));
        K.put("missing", () -> fail(new Missing("no such item")));
        K.put("odd", () -> fail(new Odd()));
        K.put("lines", () -> fail(new IllegalArgumentException("first\nsecond line\n  indented: yes")));
        K.put("blank", () -> fail(new ShopException("first\n\nafter a blank line", null)));
        K.put("tongue", () -> fail(new ShopException("größer 数 🚚", null)));
        K.put("long", () -> fail(new ShopException("x".repeat(3000), null)));
        K.put("cause", () -> fail(new ShopException("cannot load", caught(() -> Integer.parseInt("x")))));
        K.put("causes", () -> fail(new ShopException("outer", caught(() -> K.get("cause").run()))));
        K.put("causeonly", () -> fail(new RuntimeException(caught(() -> deep(3, K.get("npe"))))));
        K.put("causelines", () -> fail(new ShopException("outer", caught(() -> K.get("lines").run()))));
        K.put("suppressed", () -> { try (var c = new Closing()) { return fail(new IOException("read failed")); } });
        K.put("suppressedcause", () -> { var e = new ShopException("main", caught(K.get("npe"))); e.addSuppressed(caught(K.get("cause"))); e.addSuppressed(caught(K.get("lines"))); throw e; });
        K.put("circular", () -> { var a = new Missing("a"); var b = new ShopException("b", a); a.initCause(b); throw a; });
        K.put("stream", () -> List.of(1, 2, 0).stream().map(x -> 10 / x).toList());
        K.put("lambda", () -> ((Function<Object, Object>) x -> x.toString()).apply(null));
        K.put("future", () -> CompletableFuture.supplyAsync(() -> { throw new ShopException("in a pool", null); }).get());
        K.put("executor", () -> { var p = Executors.newFixedThreadPool(1); try { return p.submit(() -> { throw new IOException("disk"); }).get(); } finally { p.shutdown(); } });
        K.put("record", () -> new Order(-1));
        K.put("file", () -> Files.readString(Path.of("/nonexistent")));
        K.put("reflect", () -> Gen.class.getDeclaredMethod("thrower").invoke(null));
        K.put("initial", () -> Broken.VALUE);
        K.put("optional", () -> Optional.empty().orElseThrow());
        K.put("sorted", () -> { new TreeMap<Object, Object>().put(new Object(), 1); return null; });
        K.put("overflow", () -> forever(0));
        K.put("timeout", () -> new CompletableFuture<String>().get(1, TimeUnit.MILLISECONDS));
        K.put("assertion", () -> fail(new AssertionError("expected 1 but was 2")));
        K.put("noframes", () -> fail(new ShopException("few frames", null) {{ setStackTrace(Arrays.copyOf(getStackTrace(), 1)); }}));
    }
    static class Broken { static final Object VALUE = List.of().get(3); }
    static void thrower() { throw new IllegalStateException("by reflection"); }

    static void emit(String emitter, Action a) throws Throwable {
        Throwable e = caught(() -> deep(RNG.nextInt(6), a));
        switch (emitter) {
            case "error" -> error.accept("request failed", e);
            case "warn" -> warn.accept("retry after failure", e);
            case "lines" -> error.accept("two lines:\n  of text", e);
            case "print" -> e.printStackTrace();
            case "thread" -> { var t = new Thread(() -> { Gen.<RuntimeException>sneak(e); }, "worker-" + RNG.nextInt(9)); t.start(); t.join(); }
            case "json" -> { var w = new StringWriter(); e.printStackTrace(new PrintWriter(w)); System.err.println("{\"@timestamp\":\"2026-01-02T10:00:00Z\",\"level\":\"ERROR\",\"message\":\"failed\",\"stack_trace\":\"" + w.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", "\\t") + "\"}"); }
        }
    }
    @SuppressWarnings("unchecked") static <T extends Throwable> void sneak(Throwable e) throws T { throw (T) e; }

    static int number(String text) { int n = 0; for (int i = 0; i < text.length(); i++) n += text.charAt(i) * (i + 3); return n; }

    public static void main(String[] args) throws Throwable {
        if (args[0].equals("list")) {
            String[] emitters = STYLE.equals("plain") ? new String[]{"print", "thread", "json"} : new String[]{"error", "warn", "lines", "thread"};
            for (String e : emitters) for (String k : K.keySet()) if (k.equals("overflow") ? e.equals("print") : e == emitters[0] && !STYLE.equals("log4j") || number(STYLE + e + k) % 3 == 0) System.out.println(e + "-" + k);
            return;
        }
        loggers();
        for (String name : args) {
            String[] parts = name.split("-");
            calm(false); info.accept("now " + parts[0] + " " + parts[1]);
            mark("begin", name);
            emit(parts[0], K.get(parts[1]));
            mark("end", "");
            calm(true); info.accept("behind");
        }
    }
}
