package logs

import (
	"bytes"
	"log/slog"
	"testing"
)

const none = slog.Level(-99)

var levelLines = []struct {
	line string
	want slog.Level
}{
	// JSON
	{`{"time":"2024-01-02T15:04:05Z","level":"ERROR","msg":"boom"}`, slog.LevelError},
	{`{"time":"2024-01-02T15:04:05Z","level":"INFO","msg":"an \"ERROR\" in quotes","level2":"error"}`, slog.LevelInfo},
	{`{"msg":"{\"level\":\"error\"}","level":"debug"}`, slog.LevelDebug},
	{`{"level":30,"time":1704189600000,"pid":4711,"hostname":"a","msg":"pino info"}`, slog.LevelInfo},
	{`{"level":50,"time":1704189600000,"msg":"pino error"}`, slog.LevelError},
	{`{"name":"app","hostname":"h","pid":1,"level":60,"msg":"bunyan fatal","v":0}`, LevelFatal},
	{`{"level":10,"msg":"trace"}`, LevelTrace},
	{`{"severity":"WARNING","message":"cloud logging"}`, slog.LevelWarn},
	{`{"severity":"CRITICAL","message":"cloud logging"}`, LevelFatal},
	{`{"@timestamp":"2024-01-02T15:04:05Z","log.level":"error","message":"ecs"}`, slog.LevelError},
	{`{"@timestamp":"2024-01-02T15:04:05Z","log":{"level":"warn","logger":"x"},"message":"ecs nested"}`, slog.LevelWarn},
	{`{"ctx":{"level":"error"},"msg":"nested elsewhere"}`, none},
	{`{"log":{"x":{"level":"error"}},"msg":"too deep"}`, none},
	{`{"@t":"2024-01-02T15:04:05Z","@l":"Error","@m":"serilog"}`, slog.LevelError},
	{`{"levelname":"CRITICAL","message":"python-json-logger"}`, LevelFatal},
	{`{"level_name":"NOTICE","level":250,"message":"monolog"}`, LevelNotice},
	{`{"message":"monolog","level":400,"channel":"app"}`, slog.LevelError},
	{`{"version":"1.1","host":"h","short_message":"gelf","level":3}`, slog.LevelError},
	{`{"level":"advanced","player":"x"}`, none},
	{`{"level":2.5,"msg":"a number with a point"}`, none},
	{`{"level":1704189600,"msg":"too long"}`, none},
	{`{"msg":"no level, but ERROR in the text"}`, none},
	{`{"timestamp":"x","lvl":"E","msg":"letter"}`, slog.LevelError},
	{`{"ts":1.7e9,"logger":"http.log.access","level":"info","msg":"handled request","status":500}`, slog.LevelInfo},
	{`{"level": "warn" , "msg": "spaces"}`, slog.LevelWarn},
	{`{"msg":"back\\","level":"error"}`, slog.LevelError},
	{`{"msg":"unterminated`, none},
	// logfmt
	{`time=2024-01-02T15:04:05.000Z level=ERROR msg="slog text"`, slog.LevelError},
	{`time=2024-01-02T15:04:05.000Z level=ERROR+4 msg="slog text, critical"`, slog.LevelError},
	{`level=info msg="all is level=error well"`, slog.LevelInfo},
	{`time="2024-01-02T15:04:05Z" level=warning msg="logrus"`, slog.LevelWarn},
	{`ts=2024-01-02T15:04:05Z caller=main.go:1 level=error err="x"`, slog.LevelError},
	{`ts=2024-01-02T15:04:05Z lvl=eror msg=log15`, slog.LevelError},
	{`at=error code=H12 desc="Request timeout" method=GET path="/"`, slog.LevelError},
	{`at=info method=GET path="/" status=500`, slog.LevelInfo},
	{`msg="level=error"`, none},
	{`path=/level=5 zoom level=5`, none},
	{`level=high water=3`, none},
	{`[0f1e] method=GET path=/ status=200 level=info`, slog.LevelInfo},
	{`level="fatal" msg=quoted`, LevelFatal},
	{`PATH=/usr/bin HOME=/root`, none},
	// Python
	{`ERROR:root:message`, slog.LevelError},
	{`WARNING:django.request:Not Found: /favicon.ico`, slog.LevelWarn},
	{`CRITICAL:app:message`, LevelFatal},
	{`2024-01-02 15:04:05,123 - root - ERROR - message`, slog.LevelError},
	{`2024-01-02 15:04:05,123 - my.module - DEBUG - message with ERROR`, slog.LevelDebug},
	{`2024-01-02 15:04:05,123 ERROR my.module message`, slog.LevelError},
	{`2024-01-02 15:04:05,123 my.module ERROR: message`, slog.LevelError},
	{`ERROR 2024-01-02 15:04:05,123 views 4711 139 message`, slog.LevelError},
	{`root - WARNING - message`, slog.LevelWarn},
	{`[2024-01-02 15:04:05 +0000] [4711] [INFO] Booting worker with pid: 4711`, slog.LevelInfo},
	{`[2024-01-02 15:04:05 +0000] [4711] [CRITICAL] WORKER TIMEOUT (pid:4712)`, LevelFatal},
	{`[2024-01-02 15:04:05,123: ERROR/MainProcess] Task failed`, slog.LevelError},
	{`[2024-01-02 15:04:05,123: WARNING/ForkPoolWorker-1] celery`, slog.LevelWarn},
	{`INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK`, slog.LevelInfo},
	{`ERROR:    Exception in ASGI application`, slog.LevelError},
	{`[E 240102 15:04:05 web:1798] Uncaught exception GET /`, slog.LevelError},
	{`[W 2024-01-02 15:04:05.123 ServerApp] jupyter`, slog.LevelWarn},
	{`2024-01-02 15:04:05.123 | ERROR    | __main__:main:5 - loguru`, slog.LevelError},
	{`2024-01-02 15:04:05.123 | SUCCESS  | __main__:main:5 - loguru`, LevelNotice},
	{`2024-01-02 15:04:05 [error    ] structlog       key=value`, slog.LevelError},
	{`2024-01-02T15:04:05+0000 [twisted.web#error] message`, slog.LevelError},
	{`Traceback (most recent call last):`, slog.LevelError},
	{"\x1b[32m2024-01-02 15:04:05.123\x1b[0m | \x1b[31m\x1b[1mERROR   \x1b[0m | x:y:1 - coloured", slog.LevelError},
	// Java
	{`2024-01-02 15:04:05,123 ERROR [main] com.foo.Bar - message`, slog.LevelError},
	{`15:04:05.123 [main] ERROR com.foo.Bar - logback`, slog.LevelError},
	{`15:04:05.123 [http-nio-8080-exec-1] WARN  c.f.Bar - logback`, slog.LevelWarn},
	{`2024-01-02T15:04:05.123+01:00 ERROR 4711 --- [           main] c.f.Bar : spring`, slog.LevelError},
	{`2024-01-02 15:04:05.123  INFO 4711 --- [           main] c.f.Bar : spring 2`, slog.LevelInfo},
	{`2024-01-02T15:04:05.123Z  WARN 4711 --- [app] [main] c.f.Bar : spring 3`, slog.LevelWarn},
	{`02-Jan-2024 15:04:05.123 SEVERE [main] org.apache.catalina.X.y message`, slog.LevelError},
	{`SEVERE: jul message`, slog.LevelError},
	{"Jan 02, 2024 3:04:05 PM com.foo.Bar run\nSEVERE: jul of two lines", slog.LevelError},
	{"Jan 02, 2024 3:04:05 PM com.foo.Bar run\nFINE: jul of two lines", slog.LevelDebug},
	{`ERROR [main] com.foo.Bar - log4j without a time`, slog.LevelError},
	{`0    [main] ERROR com.foo.Bar  - TTCC`, slog.LevelError},
	{`15:04:05,123 WARN  [org.jboss.as] (MSC service thread 1-2) WFLYSRV0018`, slog.LevelWarn},
	{`[INFO] BUILD SUCCESS`, slog.LevelInfo},
	{`[ERROR] Failed to execute goal`, slog.LevelError},
	{`Exception in thread "main" java.lang.RuntimeException: boom`, slog.LevelError},
	{`TRACE [main] c.f.Bar - fine detail`, LevelTrace},
	// Go, Kubernetes
	{`E0102 15:04:05.123456    4711 main.go:10] klog`, slog.LevelError},
	{`I0102 15:04:05.123456    4711 main.go:10] klog`, slog.LevelInfo},
	{`W0102 15:04:05.123456 4711 main.go:10] klog ERROR`, slog.LevelWarn},
	{`F0102 15:04:05.123456 4711 main.go:10] klog`, LevelFatal},
	{`2024/01/02 15:04:05 ERROR slog default msg`, slog.LevelError},
	{`2024/01/02 15:04:05 INFO no ERROR here`, slog.LevelInfo},
	{`2024/01/02 15:04:05 http: TLS handshake error from 127.0.0.1:1: EOF`, none},
	{`ERRO[0000] logrus on a terminal`, slog.LevelError},
	{`INFO[0012] logrus on a terminal`, slog.LevelInfo},
	{`WARN[01-02|15:04:05] log15 on a terminal`, slog.LevelWarn},
	{`INFO [01-02|15:04:05.123] geth`, slog.LevelInfo},
	{"2024-01-02T15:04:05.123Z\tERROR\tmain.go:1\tzap console", slog.LevelError},
	{"2024-01-02T15:04:05.123Z\tinfo\tmain.go:1\tzap production console", slog.LevelInfo},
	{`3:04PM ERR zerolog console error="x"`, slog.LevelError},
	{`3:04PM INF zerolog console`, slog.LevelInfo},
	{`panic: runtime error: index out of range`, LevelFatal},
	{`fatal error: all goroutines are asleep - deadlock!`, LevelFatal},
	{`[GIN] 2024/01/02 - 15:04:05 | 500 | 1.2ms | ::1 | GET "/"`, slog.LevelInfo},
	{`[GIN-debug] [WARNING] Running in "debug" mode`, slog.LevelWarn},
	// Rust
	{`[2024-01-02T15:04:05Z ERROR my_crate::module] env_logger`, slog.LevelError},
	{`[2024-01-02T15:04:05Z INFO  my_crate] env_logger`, slog.LevelInfo},
	{`[ERROR my_crate::module] env_logger without a time`, slog.LevelError},
	{`2024-01-02T15:04:05.123456Z  WARN my_crate::module: tracing`, slog.LevelWarn},
	{`2024-01-02T15:04:05.123456Z ERROR request{id=5}: my_crate: tracing span`, slog.LevelError},
	{` ERROR my_crate > pretty_env_logger`, slog.LevelError},
	{`thread 'main' panicked at src/main.rs:2:5:`, LevelFatal},
	// Node
	{`error: winston simple`, slog.LevelError},
	{`info: winston simple`, slog.LevelInfo},
	{`2024-01-02T15:04:05.123Z error: winston with a time`, slog.LevelError},
	{`2024-01-02T15:04:05.123Z [warn]: winston in brackets`, slog.LevelWarn},
	{`[2024-01-02T15:04:05.123] [ERROR] default - log4js`, slog.LevelError},
	{`[15:04:05.123] ERROR (4711): pino-pretty`, slog.LevelError},
	{`Error: boom`, slog.LevelError},
	{`npm ERR! code ELIFECYCLE`, slog.LevelError},
	{`npm WARN deprecated x@1`, slog.LevelWarn},
	{`[Nest] 4711  - 01/02/2024, 3:04:05 PM   ERROR [ExceptionsHandler] boom`, slog.LevelError},
	{`GET / 200 1.234 ms - 12`, slog.LevelInfo},
	{`(node:4711) Warning: deprecated`, slog.LevelWarn},
	// Ruby
	{`E, [2024-01-02T15:04:05.123456 #4711] ERROR -- : message`, slog.LevelError},
	{`I, [2024-01-02T15:04:05.123456 #4711]  INFO -- : message`, slog.LevelInfo},
	{`D, [2024-01-02T15:04:05.123456 #4711] DEBUG -- app: message`, slog.LevelDebug},
	{`2024-01-02T15:04:05.123Z pid=4711 tid=abc class=Job jid=1 ERROR: fail`, slog.LevelError},
	{`2024-01-02T15:04:05.123Z pid=4711 tid=abc INFO: Booted Rails`, slog.LevelInfo},
	{`[2024-01-02 15:04:05] ERROR Errno::ECONNRESET: webrick`, slog.LevelError},
	{`Started GET "/" for 127.0.0.1 at 2024-01-02 15:04:05 +0000`, slog.LevelInfo},
	{`Completed 500 Internal Server Error in 5ms`, slog.LevelInfo},
	// PHP
	{`[02-Jan-2024 15:04:05 UTC] PHP Fatal error:  Uncaught Exception: x in /a.php:1`, LevelFatal},
	{`[02-Jan-2024 15:04:05 UTC] PHP Warning:  Undefined variable $x`, slog.LevelWarn},
	{`PHP Notice:  Undefined index`, LevelNotice},
	{`PHP Deprecated:  Optional parameter`, slog.LevelWarn},
	{`[2024-01-02T15:04:05.123+00:00] app.ERROR: monolog {"x":1} []`, slog.LevelError},
	{`[2024-01-02 15:04:05] production.INFO: laravel`, slog.LevelInfo},
	{`[02-Jan-2024 15:04:05] NOTICE: fpm is running, pid 4711`, LevelNotice},
	{`[02-Jan-2024 15:04:05] WARNING: [pool www] child 1 said`, slog.LevelWarn},
	{`[Tue Jan  2 15:04:05 2024] 127.0.0.1:50000 [200]: GET /`, slog.LevelInfo},
	{`[Tue Jan  2 15:04:05 2024] 127.0.0.1:50000 Accepted`, slog.LevelInfo},
	// .NET, Elixir, Erlang
	{`fail: Microsoft.AspNetCore.Server.Kestrel[13]`, slog.LevelError},
	{`info: Microsoft.Hosting.Lifetime[14]`, slog.LevelInfo},
	{`crit: Microsoft.AspNetCore.Hosting.Diagnostics[6]`, LevelFatal},
	{`[15:04:05 ERR] serilog`, slog.LevelError},
	{`2024-01-02 15:04:05.1234|WARN|App.Startup|nlog`, slog.LevelWarn},
	{`Unhandled exception. System.InvalidOperationException: boom`, slog.LevelError},
	{`15:04:05.123 [error] GenServer terminating`, slog.LevelError},
	{`15:04:05.123 request_id=F [info] Sent 200 in 5ms`, slog.LevelInfo},
	{`=ERROR REPORT==== 2-Jan-2024::15:04:05.123 ===`, slog.LevelError},
	// servers and data stores
	{`2024/01/02 15:04:05 [error] 4711#4711: *1 open() failed`, slog.LevelError},
	{`2024/01/02 15:04:05 [emerg] 1#1: bind() failed`, LevelFatal},
	{`2024/01/02 15:04:05 [notice] 1#1: start worker process 30`, LevelNotice},
	{`[Tue Jan 02 15:04:05.123456 2024] [core:error] [pid 4711] AH00000: x`, slog.LevelError},
	{`[Tue Jan 02 15:04:05 2024] [warn] apache 2.2`, slog.LevelWarn},
	{`[ALERT] 001/150405 (4711) : haproxy`, LevelFatal},
	{`[NOTICE]   (1) : haproxy`, LevelNotice},
	{`2024-01-02 15:04:05.123 UTC [4711] ERROR:  relation "x" does not exist`, slog.LevelError},
	{`2024-01-02 15:04:05.123 UTC [4711] LOG:  database system is ready`, slog.LevelInfo},
	{`2024-01-02 15:04:05.123 UTC [4711] me@db FATAL:  password authentication failed`, LevelFatal},
	{`2024-01-02 15:04:05 0 [Warning] mariadbd: message`, slog.LevelWarn},
	{`2024-01-02T15:04:05.123456Z 0 [ERROR] [MY-010020] [Server] mysql`, slog.LevelError},
	{`2024-01-02 15:04:05 0 [Note] mariadbd: ready`, LevelNotice},
	{`4711:M 02 Jan 2024 15:04:05.123 # WARNING: redis`, slog.LevelWarn},
	{`4711:M 02 Jan 2024 15:04:05.123 * Ready to accept connections`, LevelNotice},
	{`Jan  2 15:04:05 host app[4711]: ERROR syslog text`, slog.LevelError},
	{`<3>sd-daemon prefix`, slog.LevelError},
	{`<7>sd-daemon prefix`, slog.LevelDebug},
	{`<134>1 2024-01-02T15:04:05Z host app - - - rfc 5424`, slog.LevelInfo},
	{`127.0.0.1 - - [02/Jan/2024:15:04:05 +0000] "GET / HTTP/1.1" 500 12 "-" "curl"`, slog.LevelInfo},
	{`127.0.0.1 - - [02/Jan/2024 15:04:05] "POST /x HTTP/1.1" 200 -`, slog.LevelInfo},
	{`[02/Jan/2024 15:04:05] "GET /ERROR HTTP/1.1" 404 1`, slog.LevelInfo},
	{`::1 - - [02/Jan/2024:15:04:05 +0000] "HEAD / HTTP/1.0" 200 0`, slog.LevelInfo},
	// stating nothing
	{``, none}, {`x`, none}, {`   `, none}, {`hello world`, none},
	{`no errors found`, none},
	{`No ERROR found`, none},
	{`Found 0 ERROR lines in 5 files`, none},
	{`0 ERROR lines`, none},
	{`Error handling enabled`, none},
	{`error handling is on`, none},
	{`errors: 0, warnings: 0`, none},
	{`Failed with error: timeout`, none},
	{`2024-01-02 15:04:05 user typed ERROR in the form`, none},
	{`Loading INFORMATION_SCHEMA`, none},
	{`ERRORS=0`, none}, {`DEBUG=1 npm start`, none}, {`debugger listening on ws://x`, none},
	{`Warning signs are ignored`, none},
	{`information about levels`, none},
	{`Server listening on http://0.0.0.0:8000 [error pages on]`, none},
	{`Deploy finished, see the ERROR log`, none},
	{`Compiled with [warn] flags`, none},
	{`[ERROR handling enabled]`, none},
	{`[main] started`, none}, {`[4711] - Worker 0 (PID: 4712) booted`, none},
	{`config: loaded`, none}, {`http://127.0.0.1:8000/error: 5`, none},
	{`fine: nothing`, none}, {`LOG files are rotated`, none},
	{`the level=error key in a sentence about level=error`, none},
	{`	at com.foo.Bar.error(Bar.java:5)`, none},
	{`    raise ValueError("ERROR: x")`, none},
	{`E = mc2, I think`, none}, {`I, robot`, none}, {`<b>bold</b>`, none}, {`<999>x`, none}, {`<>`, none},
	{`"ERROR" is quoted`, none}, {`- ERROR in a list`, none},
	{`Your order 4711 has no error: fine`, none},
	{`https://example.org/ERROR`, none},
	{`fatal errors: none`, none}, {`panicking is not our way`, none},
	{"\x00\x01\x02", none}, {"\xff\xfe ERROR", none}, {"\x1b[31m", none}, {"[", none}, {"[]", none}, {"[ ]", none}, {"{", none}, {`{"`, none}, {`=`, none}, {`==`, none},
}

func TestLevelsOfRealLines(t *testing.T) {
	if len(levelLines) < 180 {
		t.Fatalf("only %d lines", len(levelLines))
	}
	for _, c := range levelLines {
		got, ok := FindLevel([]byte(c.line))
		if !ok {
			got = none
		}
		if got != c.want {
			t.Errorf("%q: %v, want %v", c.line, got, c.want)
		}
	}
}

func FuzzFindLevel(f *testing.F) {
	for _, c := range levelLines {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := string(line)
		level, ok := FindLevel(line)
		if string(line) != before {
			t.Fatal("the line was changed")
		}
		if ok && (level < LevelTrace || level > LevelFatal) {
			t.Fatalf("%q: a level beyond the scale: %v", line, level)
		}
		if _, again := FindLevel(bytes.ReplaceAll(line, newline, nil)); again && !ok && bytes.IndexByte(line, '\n') < 0 {
			t.Fatalf("%q: the same line states a level the second time", line)
		}
	})
}

func BenchmarkFindLevel(b *testing.B) {
	lines := make([][]byte, 0, len(levelLines))
	for _, c := range levelLines {
		lines = append(lines, []byte(c.line))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		FindLevel(lines[i%len(lines)])
	}
}
