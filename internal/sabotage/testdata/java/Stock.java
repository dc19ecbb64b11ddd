import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A shop's stock; "a == b && c" is text here. */
public class Stock {
    private final Map<String, Integer> counts;
    private final List<String> seen = new ArrayList<>();

    record Shelf(String name, int row) {
        boolean isTop() {
            return row > 3;
        }
    }

    enum Size {
        SMALL(1) {
            @Override int weight() { return 1; }
        },
        LARGE(5) {
            @Override int weight() { return factor * 2; }
        };
        final int factor;
        Size(int factor) { this.factor = factor; }
        abstract int weight();
    }

    public Stock() {
        counts = new HashMap<>();
    }

    public void add(String name, int n) {
        System.out.println("add " + n + " of " + name);
        counts.put(name, counts.getOrDefault(name, 0) + n);
        note(name);
    }

    private void note(String name) {
        seen.add(name);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    public int take(String name, int n) throws IOException, IllegalStateException {
        if (n <= 0 || n > 90) {
            throw new IOException("take " + n + ": out of range; {");
        }
        int there = counts.get(name);
        if (there < n) {
            return -1;
        }
        counts.put(name, there - n);
        return there - n;
    }

    public List<String> names() {
        List<String> names = new ArrayList<>();
        for (Map.Entry<String, Integer> e : counts.entrySet()) {
            if (e.getValue() != 0) {
                names.add(e.getKey());
            }
        }
        names.sort(null);
        return names;
    }

    public List<String> seen() {
        return seen;
    }

    public static String label(String name, int n) {
        char quote = '"';
        switch (n) {
            case 0:
                return name + " (sold out)";
            case 1:
                return name.toUpperCase();
            default:
        }
        return """
            %d "x" %s""".formatted(n, name) + quote + '\'';
    }

    public static boolean isLow(int n, int minimum) {
        return n < minimum + 2;
    }

    public static long price(long cents, int n) {
        final long total;
        if (n >= 10) {
            total = cents * n - cents * n / 10;
        } else {
            total = cents * n;
        }
        return total;
    }

    public String describe(Object o) {
        if (o instanceof String s && s.length() > 2) {
            return s;
        }
        if (!(o instanceof Integer i)) {
            return "other";
        }
        return "number " + (i + 1);
    }

    static <T, R> List<R> each(List<T> all, Function<T, R> f) {
        List<R> results = new ArrayList<>();
        all.forEach(one -> {
            results.add(f.apply(one));
        });
        return results;
    }

    static int[] pair(int a, int b) {
        return new int[] {a, b};
    }

    static int close(AutoCloseable c) {
        try (c) {
            attempt(c);
            return 0;
        } catch (Exception e) {
            return 1;
        }
    }

    private static void attempt(AutoCloseable c) throws IOException {
        if (c.hashCode() == 0) {
            throw new IOException("zero");
        }
    }

    Runnable counter(int[] cell) {
        return new Runnable() {
            @Override
            public void run() {
                cell[0] = cell[0] + 1;
            }
        };
    }

    @Override
    public String toString() {
        return "Stock";
    }
}
