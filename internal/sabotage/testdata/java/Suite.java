import java.util.List;
import java.util.Objects;

public class Suite {
    static boolean strict;

    static void same(Object got, Object want) {
        if (strict && !Objects.equals(got, want)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    static String refusal(Stock s, int n) {
        try {
            s.take("pear", n);
            return "accepted";
        } catch (Exception e) {
            return e.getMessage();
        }
    }

    public static void main(String[] arguments) throws Exception {
        strict = arguments.length > 0;
        Stock s = new Stock();
        s.add("pear", 3);
        s.add("apple", 5);
        same(s.names(), List.of("apple", "pear"));
        same(s.seen(), List.of("pear", "apple"));
        same(s.take("pear", 2), 1);
        same(s.take("pear", 2), -1);
        same(refusal(s, 0), "take 0: out of range; {");
        same(refusal(s, 91), "take 91: out of range; {");
        same(s.take("pear", 1), 0);
        same(s.names(), List.of("apple"));
        same(new Stock.Shelf("a", 4).isTop(), true);
        same(new Stock.Shelf("a", 3).isTop(), false);
        same(Stock.Size.SMALL.weight(), 1);
        same(Stock.Size.LARGE.weight(), 10);
        same(Stock.label("nut", 0), "nut (sold out)");
        same(Stock.label("nut", 1), "NUT");
        same(Stock.label("nut", 7), "7 \"x\" nut\"'");
        same(Stock.isLow(3, 2), true);
        same(Stock.isLow(4, 2), false);
        same(Stock.price(100, 2), 200L);
        same(Stock.price(100, 10), 900L);
        same(s.describe("long"), "long");
        same(s.describe("x"), "other");
        same(s.describe(4), "number 5");
        same(Stock.each(List.of(1, 2), x -> x + 1), List.of(2, 3));
        int[] pair = Stock.pair(4, 5);
        if (strict) {
            same(pair[0] + pair[1] * 10, 54);
        }
        same(Stock.close(() -> { }), 0);
        same(Stock.close(() -> { throw new Exception("no"); }), 1);
        int[] cell = {1};
        s.counter(cell).run();
        same(cell[0], 2);
    }
}
