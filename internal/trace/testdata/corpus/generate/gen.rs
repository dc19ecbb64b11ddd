// Traces of Rust, each between two marks; see record.py.
use std::{collections::HashMap, env, error::Error, fmt, fs, io::Write, panic, thread};

fn mark(word: &str, name: &str) {
    let size = fs::metadata(env::var("TRACE_LOG").unwrap()).unwrap().len();
    let mut f = fs::OpenOptions::new().append(true).open(env::var("TRACE_MARKS").unwrap()).unwrap();
    writeln!(f, "{word} {size} {name}").unwrap();
}
fn log(level: &str, text: &str) {
    if env::var("TRACE_STYLE").unwrap() == "plain" { eprintln!("{text}") } else { eprintln!("[2026-01-02T10:00:00Z {level} shop] {text}") }
}
#[derive(Debug)]
struct ShopError(u8);
impl fmt::Display for ShopError { fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { write!(f, "shop error {}", self.0) } }
impl Error for ShopError {}
#[inline(never)]
fn deep(n: usize, f: fn()) { if n == 0 { f() } else { deep(n - 1, f); std::hint::black_box(n); } }
struct Cart { items: Vec<u32> }
impl Cart { fn at(&self, i: usize) -> u32 { self.items[i] } }
const KINDS: &[(&str, fn())] = &[
    ("plain", || panic!("bad value")), ("index", || { std::hint::black_box(vec![1, 2][std::hint::black_box(6)]); }), ("unwrap", || { None::<u32>.unwrap(); }),
    ("expect", || { Err::<u32, _>(ShopError(3)).expect("cannot load"); }), ("result", || { "x".parse::<u32>().unwrap(); }), ("lines", || panic!("first\nsecond line\n  indented: yes")),
    ("blank", || panic!("first\n\nafter a blank line")), ("tongue", || panic!("größer 数 🚚")), ("long", || panic!("{}", "x".repeat(3000))),
    ("division", || { std::hint::black_box(1 / std::hint::black_box(0)); }), ("overflow", || { std::hint::black_box(255u8 + std::hint::black_box(1)); }), ("method", || { Cart { items: vec![] }.at(1); }),
    ("map", || { HashMap::<u8, u8>::new()[&1]; }), ("assert", || assert_eq!(1, std::hint::black_box(2), "numbers")), ("unreachable", || unreachable!("here")), ("todo", || todo!()),
    ("slice", || { let s = "größer"; std::hint::black_box(&s[0..std::hint::black_box(3)]); }), ("cell", || { let c = std::cell::RefCell::new(1); let _a = c.borrow_mut(); let _b = c.borrow_mut(); }),
    ("boxed", || panic::panic_any(7)), ("closure", || { [1, 0].iter().map(|x| 1 / x).for_each(drop); }),
];
fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    if args[1] == "list" {
        for (i, (k, _)) in KINDS.iter().enumerate() {
            println!("thread-{k}");
            if i % 2 == 0 { println!("die-{k}") }
        }
        return Ok(());
    }
    for (i, name) in args[1..].iter().enumerate() {
        let (emitter, kind) = name.split_once('-').unwrap();
        let f = KINDS.iter().find(|(k, _)| *k == kind).unwrap().1;
        log("INFO", &format!("GET /items/{i} 200"));
        log("INFO", &format!("now {emitter} {kind}"));
        if env::var("TRACE_STYLE").unwrap() == "env" { unsafe { env::set_var("RUST_BACKTRACE", "1") } }
        mark("begin", name);
        if emitter == "die" { deep(i % 3, f) }
        let _ = thread::Builder::new().name(format!("worker-{i}")).spawn(move || deep(i % 4, f)).unwrap().join();
        mark("end", "");
        if i % 3 == 0 { log("ERROR", "payment failed: card declined") }
        log("INFO", "behind");
    }
    Ok(())
}
