package scaffold

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// folder makes an application's folder of a name.
func folder(t testing.TB, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// propose proposes a manifest and reads it.
func propose(t testing.TB, dir string) (Proposal, *manifest.Manifest) {
	t.Helper()
	p, err := Propose(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("", p.YAML)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.YAML)
	}
	return p, m
}

// kinds are small applications of each kind, with what must stand in the
// proposal and in the notes.
var kinds = map[string]struct {
	files map[string]string
	want  []string // lines without their comments
	notes []string // parts of notes
}{
	"go": {map[string]string{
		"go.mod":       "module example.org/team/guestbook/v2\n\ngo 1.26\n\nrequire github.com/jackc/pgx/v5 v5.1.0\n",
		"main.go":      "package main\n\nvar port = os.Getenv(\"PORT\")\nvar db, _ = os.LookupEnv(\"DATABASE_URL\")\nvar k = os.Getenv(\"HOME\")\n",
		"web/web.go":   "package web\n\nfunc f() {\n\tmux.HandleFunc(\"GET /status\", status(os.Getenv(\"STATUS_TOKEN\")))\n\tmux.HandleFunc(\"/fault\", f)\n\tmux.HandleFunc(\"/slow\", f)\n}\n",
		"web_test.go":  "package main\n\nvar x = os.Getenv(\"ONLY_IN_TESTS\")\n",
		"vendor/x.go":  "package x\n\nvar x = os.Getenv(\"ONLY_IN_VENDOR\")\n",
		"Procfile":     "web: ./bin/guestbook serve\nworker: ./bin/guestbook work\nrelease: ./bin/guestbook migrate\n",
		"compose.yaml": "services:\n  q: {image: redis:7}\n  c:\n    image: redis:7\n",
		".env.example": "LOG_LEVEL=INFO\nexport GREETING=hello\n",
	}, []string{
		"name: guestbook", "  - go build -o bin/guestbook .", "  run: go test -coverprofile=coverage.out ./...", "  web: ./bin/guestbook serve",
		"  worker: ./bin/guestbook work", "  - ./bin/guestbook migrate", "    PORT: {}", "    LOG_LEVEL: {}", "    STATUS_TOKEN: {}",
		"    DATABASE_URL: {service: db}", "    GREETING: {}", "  db: {type: postgres}", "  cache: {type: redis}",
		"status: {path: /status, token: STATUS_TOKEN}", "  exception: GET /fault", "  slow: GET /slow",
	}, []string{"GREETING", "GET /"}},
	"go commands": {map[string]string{
		"go.mod": "module shop\n", "cmd/tool/main.go": "package main\n", "cmd/shop/main.go": "package main\n",
	}, []string{"  - go build -o bin/shop ./cmd/shop", "  web: ./bin/shop"}, []string{"cmd/shop, cmd/tool", "PORT", "No status route"}},
	"node": {map[string]string{
		"package.json":      `{"name": "@team/Shop", "scripts": {"start": "node server.js", "test": "node --test", "build": "tsc"}, "dependencies": {"pg": "8", "ioredis": "5"}}`,
		"package-lock.json": "{}", "server.js": "const { PORT, HOST: host = 'x' } = process.env\nconst url = process.env.REDIS_URL, d = process.env['DATABASE_URL']\napp.get('/healthz', h)\n",
		"node_modules/x/index.js": "process.env.ONLY_IN_MODULES", "server.test.js": "process.env.ONLY_IN_TESTS",
	}, []string{
		"name: shop", "  - npm ci", "  - npm run build", "  web: node server.js", "  coverage: coverage.lcov", "  format: lcov",
		"    PORT: {}", "    HOST: {}", "    REDIS_URL: {service: cache}", "    DATABASE_URL: {service: db}", "  db: {type: postgres}",
	}, []string{"/healthz was found, but no setting"}},
	"node with npm": {map[string]string{"package.json": `{"scripts": {"start": "next start", "test": "jest"}}`},
		[]string{"  - npm install", "  web: npm start", "  run: npm test -- --coverage"}, []string{"package-lock.json", "signals"}},
	"django": {map[string]string{
		"manage.py": "import os\n", "requirements.txt": "django\ngunicorn\nmysqlclient\ncoverage\n",
		"site/wsgi.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')\n", "site/settings.py": "KEY = os.environ['SECRET_KEY']\nHOST = os.getenv(\"MYSQL_HOST\")\nPW = os.environ.get('MYSQL_PASSWORD')\n",
	}, []string{
		"  - python3 -m venv .venv", "  - .venv/bin/pip install -r requirements.txt", "  web: \".venv/bin/gunicorn --bind 0.0.0.0:$PORT site.wsgi\"", "  format: cobertura",
		"    SECRET_KEY: {}", "    MYSQL_HOST: {service: db, value: $host}", "    MYSQL_PASSWORD: {service: db, value: $password}", "    PORT: {}", "  db: {type: mariadb}",
		"  - .venv/bin/python manage.py migrate --noinput",
	}, nil},
	"flask": {map[string]string{"pyproject.toml": "[project]\ndependencies = ['flask', 'pytest']\n", "app.py": "@app.route('/boom')\ndef x(): pass\nurl = os.environ['SMTP_URL']\n"},
		[]string{"  - .venv/bin/pip install .", "  web: .venv/bin/python app.py", "    SMTP_URL: {}", "  exception: GET /boom"}, []string{"coverage", "Nothing reads PORT"}},
	"maven": {map[string]string{"pom.xml": "<artifactId>jacoco-maven-plugin</artifactId><groupId>org.postgresql</groupId>", "src/main/java/A.java": "String p = System.getenv(\"PORT\"); String m = System.getenv(\"POSTGRES_URL\");"},
		[]string{"  - mvn -B package -DskipTests", "  coverage: target/site/jacoco/jacoco.xml", "run: {}", "    PORT: port", "    POSTGRES_URL: {key: postgres_url, service: db}"}, []string{"jar"}},
	"gradle": {map[string]string{"build.gradle.kts": "plugins { jacoco }", "gradlew": "#!/bin/sh\n"},
		[]string{"  - ./gradlew assemble", "  run: ./gradlew test jacocoTestReport"}, nil},
	"ruby": {map[string]string{"Gemfile": "gem 'sinatra'\ngem 'rspec'\ngem 'simplecov-lcov'\ngem 'sqlite3'\n", "config.ru": "run App\n", "app.rb": "ENV.fetch('DATABASE_URL')\nENV[\"WEB_CONCURRENCY\"]\nget '/sleep' do\nend\n"},
		[]string{"  - bundle install", "  run: bundle exec rspec", "  coverage: coverage/lcov.info", "    DATABASE_URL: {service: db}", "  db: {type: sqlite}", "  slow: GET /sleep", "  web: bundle exec rackup -o 0.0.0.0 -p $PORT"}, nil},
	"php": {map[string]string{"composer.json": `{"require-dev": {"phpunit/phpunit": "11"}}`, "public/index.php": "<?php $l = getenv('LOG_LEVEL'); $t = $_ENV['HEALTH_TOKEN']; if ($p == '/status') {}"},
		[]string{"  - composer install", "  web: \"php -S 0.0.0.0:$PORT -t public\"", "    LOG_LEVEL: {}", "status: {path: /status, token: HEALTH_TOKEN}"}, nil},
	"docker": {map[string]string{"Dockerfile": "FROM a\nCMD [\"old\"]\nENTRYPOINT [\"/srv/run\", \"a b\"]\nCMD [\"--port\", \"80\"]\n"},
		[]string{"name: docker", "  web: \"/srv/run 'a b' --port 80\""}, []string{"No file tells the language", "paths are those of the image"}},
	"table of settings": {map[string]string{"main.py": "T = {'PORT': 'port', \"SYSLOG_URL\": 'x', 'UNKNOWN': 1}\npath = os.environ.get('APP_CONFIG')\n"},
		[]string{"  web: python3 main.py", "    PORT: {}", "    SYSLOG_URL: {}", "  file: {variable: APP_CONFIG}"}, []string{"APP_CONFIG", "a Python script"}},
	"only a file": {map[string]string{"server.js": "process.env.SHOP_CONFIG_FILE"}, []string{"  web: node server.js", "  file: {variable: SHOP_CONFIG_FILE}"}, nil},
	"bare php":    {map[string]string{"index.php": "<?php"}, []string{"  web: \"php -S 0.0.0.0:$PORT\"", "    PORT: {}"}, nil},
	"express": {map[string]string{
		"package.json":    `{"name": "shop", "main": "server.js", "scripts": {"migrate": "node migrate.js"}, "dependencies": {"pg": "8", "better-sqlite3": "11", "ioredis": "5"}}`,
		"server.js":       "const url = process.env.DATABASE_URL, port = process.env.PORT\nprocess.env.TZ_NAME = 'UTC'\napp.get('/', index)\napp.post('/orders', order)\napp.post('/items/delete', gone)\nspawn('convert', ['a'])\nconst health = {database: ping}\nawait db.query('CREATE TABLE orders')\n",
		"views/index.ejs": "<form method=POST action=\"/orders\"><input type=hidden name=_csrf value=\"<%= t %>\"><input name='item'><input name=mail type=email><select name=size><option value=\"small\">S</select><textarea name=note></textarea><button>Go</button></form>\n<form method=post action=/items/delete><input name=id></form><form method=post action=/vote><input name=x></form><form method=get action=/find><input name=q></form>\n",
	}, []string{
		"  web: node server.js", "  - node migrate.js", "system: [nodejs, imagemagick]", "    DATABASE_URL: {key: database_url, service: database}", "  database: {type: postgres, durable: true}",
		"  - GET /", "  - \"POST /orders {item: $nonce, mail: $nonce@example.com, size: small, note: $nonce}\"", "  migrate: node migrate.js",
	}, []string{"/items/delete may end", "/vote, but no route", "no setting that names a redis"}},
	"hidden values": {map[string]string{
		"app.py":           "@app.route('/')\ndef index(): return render(os.environ['MOTTO'])\n@app.route('/vote', methods=['POST'])\ndef vote(): pass\n@app.route('/buy', methods=['POST'])\ndef buy(): pass\nos.environ['ONLY_WRITTEN'] = '1'\nPORT = os.environ['PORT']\n",
		"templates/a.html": "<form method='post' action='/vote'><input type='hidden' name='id' value='{{ id }}'><input name='x'></form><form method='post' action='/buy'><input name='price' value='1'><input type='hidden' name='p' value='$PRICE'></form>",
	}, []string{"run: {}", "  web: python3 app.py", "    PORT: port", "    MOTTO: {key: motto, reply: GET /}", "  - GET /"}, []string{"/vote needs values", "/buy needs values", "traffic is only GET /"}},
	"defaults are no keys": {map[string]string{"app.py": "P = env('PORT', 'port')\nL = env('LOG_LEVEL', 'info')\nG = env('GREETING', 'hello')\nS = env('STATUS_TOKEN', 'secret')\nF = env('APP_CONFIG')\n"},
		[]string{"    PORT: {}", "    LOG_LEVEL: {}", "    GREETING: {}", "  file: {variable: APP_CONFIG}"}, []string{"the key of each setting"}},
	"bound keys": {map[string]string{"go.mod": "module x\n", "main.go": "package main\nimport \"toml\"\nfunc f() {\n\tv.BindEnv(\"port\", \"PORT\")\n\tv.BindEnv(\"log.level\", \"LOG_LEVEL\")\n\tv.BindEnv(\"site.title\", \"SITE_TITLE\")\n\topen(os.Getenv(\"X_CONFIG\"))\n\tmux.HandleFunc(\"GET /status\", guard(s)) ; mux.HandleFunc(\"GET /fault\", open(f))\n}\n", "page.html": "{{ .Title }}"},
		[]string{"    PORT: port", "    LOG_LEVEL: log.level", "    SITE_TITLE: {key: site.title, reply: GET /}", "  file: {variable: X_CONFIG, format: toml}", "  exception: GET /fault"}, []string{"No tests"}},
	"keys in the next column": {map[string]string{
		"package.json": `{"name": "b"}`, "main.mjs": "import x from 'yaml'\nconst S = [\n['PORT', 'port', 'port', '80'],\n['LOG_LEVEL', 'level', 'log.level', 'INFO'],\n['STATUS_TOKEN', 'token', 'status.token', null],\n['GREETING', 'greeting', 'greeting', 'Hi'],\n]\nload(env.B_CONFIG)\nconst routes = {'GET /': this.home, 'POST /name': this.name, 'POST /sign': this.sign, 'POST /off': this.off}\nfunction home() { const name = 1; return `<h1>${escape(greeting)}</h1>` }\nname(form) {\n  keep(form.get('name'))\n}\nsign(form) {\n  form.get('a'); form.get('b'); form.get('c')\n}\nfunction off() {}\n",
		"a.test.mjs": "import {test} from 'node:test'\n",
	}, []string{"  web: node main.mjs", "    PORT: port", "    LOG_LEVEL: log.level", "    STATUS_TOKEN: status.token", "    GREETING: {key: greeting, reply: GET /}", "  - \"POST /name {name: $nonce}\"", "  coverage: coverage.lcov"},
		[]string{"POST /sign (main.mjs:9) is not", "POST /off (main.mjs:9) is not"}},
	"a switch of routes": {map[string]string{"go.mod": "module b\n", "main.go": "package main\nfunc (a *app) route() {\n\tswitch r.Method + r.URL.Path {\n\tcase \"POST /a\":\n\t\treturn a.post(w, r)\n\tcase \"POST /b\":\n\t\tx(r.PostFormValue(\"b\"))\n\t}\n}\n\nfunc (a *app) post(w, r) {\n\tx(r.FormValue(\"text\"))\n}\n"},
		[]string{"  - \"POST /a {text: $nonce}\"", "  - \"POST /b {b: $nonce}\""}, nil},
	"flask's fields": {map[string]string{"pyproject.toml": "dependencies = ['flask', 'pytest', 'coverage']", "app.py": "@app.route('/', methods=['GET'])\ndef index():\n    pass\n\n@app.post('/add')\n@limited\ndef add():\n    keep(request.form['item'])\n\n@app.route('/sign', methods=['POST'])\ndef sign():\n    keep(request.form.get(\"who\"))\n"},
		[]string{"  - \"POST /add {item: $nonce}\"", "  - \"POST /sign {who: $nonce}\""}, nil},
	"own modules": {map[string]string{"main.py": "import redis\nimport yaml\nPORT = os.environ['PORT']\nroutes = {('POST', '/a'): self.a}\ndef a(form):\n    return form.get('x')\n", "redis.py": "", "test_main.py": ""},
		[]string{"system: [python3, python3-yaml]", "  web: /usr/bin/python3 -B main.py", "  - /usr/bin/python3 -m compileall -q .", "  - \"POST /a {x: $nonce}\""}, nil},
	"usage": {map[string]string{"go.mod": "module book\n", "README.md": "Run:\n\n    ./bin/book migrate\n    ./bin/book reset\n    ./bin/book print    what there is\n    ./bin/book unheard\n", "main.go": "package main\nvar c = []string{\"migrate\", \"reset\", \"print\"}\n"},
		[]string{"  - ./bin/book migrate", "  migrate: ./bin/book migrate", "  print: ./bin/book print"}, []string{"PORT"}},
	"crew":  {map[string]string{"Procfile": "web: gunicorn app:app\n", "app.py": "PORT = os.environ['PORT']\n"}, []string{"    PORT: {}", "  web: \"gunicorn app:app\""}, []string{"No status route"}},
	"empty": {nil, []string{"name: empty", "  web: ./CHANGE-ME"}, []string{"not known"}},
	"9 !":   {nil, []string{"name: app"}, nil},
}

func TestPropose(t *testing.T) {
	for name, c := range kinds {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, name, c.files)
			p, m := propose(t, dir)
			var lines []string
			for line := range strings.Lines(string(p.YAML)) {
				line, _, _ = strings.Cut(line, " # ")
				lines = append(lines, strings.TrimRight(line, "\n"))
			}
			for _, want := range c.want {
				if !slices.Contains(lines, want) {
					t.Errorf("no line %q in\n%s", want, p.YAML)
				}
			}
			for _, want := range c.notes {
				if !strings.Contains(strings.Join(p.Notes, "\n"), want) {
					t.Errorf("no note on %q in %q", want, p.Notes)
				}
			}
			if _, sends := m.Admin["reset"]; sends || m.Admin["unheard"] != "" {
				t.Errorf("%v are no one-off commands", m.Admin)
			}
			for s := range m.Config.Settings {
				if strings.HasPrefix(s, "ONLY_") || s == "HOME" || s == "DJANGO_SETTINGS_MODULE" {
					t.Errorf("%s is no setting of the application", s)
				}
			}
			again, _ := propose(t, dir)
			if !bytes.Equal(p.YAML, again.YAML) || !slices.Equal(p.Notes, again.Notes) {
				t.Error("the same folder gives two proposals")
			}
		})
	}
}

// TestProposeIsRead ties the lines to what the manifest makes of them.
func TestProposeIsRead(t *testing.T) {
	_, m := propose(t, folder(t, "x", kinds["go"].files))
	if s := m.Config.Settings["DATABASE_URL"]; s.Effect != manifest.EffectService || m.Services[s.Service].Type != manifest.Postgres {
		t.Errorf("DATABASE_URL is %+v", s)
	}
	if m.Status == nil || m.Faults.Exception == nil || m.Faults.Slow == nil || m.Test == nil || m.Test.Format != "go" {
		t.Errorf("something is missing: %+v", m)
	}
}

func TestProposeLeavesTheFolderAlone(t *testing.T) {
	dir := folder(t, "x", map[string]string{"go.mod": "module x\n", manifest.Name: "my own"})
	outside := filepath.Join(t.TempDir(), "outside.go")
	if err := os.WriteFile(outside, []byte("package x\nvar a = os.Getenv(\"OUTSIDE\")\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.go")); err != nil {
		t.Fatal(err)
	}
	p, _ := propose(t, dir)
	if bytes.Contains(p.YAML, []byte("OUTSIDE")) {
		t.Error("a symbolic link was followed")
	}
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{".", "go.mod", "link.go", manifest.Name}; !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, want %q", names, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, manifest.Name)); err != nil || string(text) != "my own" {
		t.Errorf("the manifest is now %q, %v", text, err)
	}
}

func TestProposeNeedsAFolder(t *testing.T) {
	if _, err := Propose(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a folder that does not exist is looked at")
	}
}

// FuzzPropose puts odd texts where a proposal repeats them.
func FuzzPropose(f *testing.F) {
	f.Add("web: ./app --title \"a: b # c\"", "package x; os.Getenv(\"A\")", "x")
	f.Add("web: true\nrelease: null\njobs: ~\n9: x", "os.Getenv(\"null\") os.Getenv(\"true\") os.Getenv(\"DB_HOST\")", "true")
	f.Add("web: \xff\x01\u2028", "\"/status\" os.Getenv(\"MONITOR_KEY\")", "a\nb")
	f.Add("web: {a: b}\nweb: - x\nrelease: !!int 3\na: *b", "os.Getenv(\"DATABASE_URL\") os.Getenv(\"MYSQL_URL\")", "")
	f.Add("web: ./shop", "<form method=post action=/a><input name='a: b' value=\"$X\"><input name=true><input name=b placeholder='x, y'></form> mux.HandleFunc(\"POST /a\", f)", "x")
	f.Add("web: node a.js", "['PORT', 'true', 1], ['LOG_LEVEL', 'null'], ['SITE_TITLE', 'title'], env.APP_CONFIG; // node a.js migrate\n'migrate': ${title}", "x")
	f.Fuzz(func(t *testing.T, procfile, source, name string) {
		fsys := newFacts()
		fsys.files = map[string]string{"Procfile": procfile, "Dockerfile": "CMD " + name, ".env.example": name + "=" + source, "go.mod": "module " + name, "package.json": name}
		for _, m := range readers[".go"][0].FindAllStringSubmatch(source, -1) {
			fsys.variables[m[1]] = name + ".go:1"
		}
		fsys.sources, fsys.pages = []string{"a.go", "b.py", "c.js"}, []string{"a.go"}
		for _, name := range fsys.sources {
			fsys.texts[name] = source
		}
		fsys.findRoutes()
		for _, m := range route.FindAllStringSubmatch(source, -1) {
			fsys.routes["/"+m[1]] = source
		}
		out := newPlan(fsys, name).write()
		if _, err := manifest.Parse("", out); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
