package scaffold

import (
	"regexp"
	"strings"
)

func pythonStack(f *facts) stack {
	const bin = ".venv/bin/"
	if f.firstOf("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "setup.cfg") == "" {
		return systemPython(f)
	}
	s := stack{from: f.firstOf("requirements.txt", "pyproject.toml", "manage.py"), says: "a Python project", build: []string{"python3 -m venv .venv"}}
	switch s.from {
	case "requirements.txt":
		s.build = append(s.build, bin+"pip install -r requirements.txt")
	case "pyproject.toml":
		s.build = append(s.build, bin+"pip install .")
	default:
		s.notes = append(s.notes, "Neither requirements.txt nor pyproject.toml pins the dependencies.")
	}
	needs := strings.ToLower(f.files["requirements.txt"] + f.files["pyproject.toml"])
	runner := "-m pytest"
	if f.has("manage.py") {
		runner = "manage.py test"
		s.django = bin + "python "
		s.release = []string{bin + "python manage.py migrate --noinput"}
	} else if !strings.Contains(needs, "pytest") {
		runner = "-m unittest discover"
	}
	s.test = bin + "python -m coverage run " + runner + " && " + bin + "python -m coverage xml"
	s.coverage, s.format = "coverage.xml", "cobertura"
	if !strings.Contains(needs, "coverage") && !strings.Contains(needs, "pytest-cov") {
		s.notes = append(s.notes, "The tests are measured by the package coverage, which is not among the dependencies: add it.")
	}
	s.web = pythonWeb(f, bin, strings.Contains(needs, "gunicorn"))
	return s
}

// pythonWeb guesses how a Python application is served.
func pythonWeb(f *facts, bin string, gunicorn bool) string {
	script := f.firstOf("app.py", "main.py", "wsgi.py")
	switch {
	case len(f.wsgi) > 0 && gunicorn:
		return bin + "gunicorn " + bind(f) + wsgiModule(f)
	case f.has("manage.py"):
		return bin + "python manage.py runserver --noreload 0.0.0.0:$PORT"
	case script != "" && gunicorn:
		return bin + "gunicorn " + bind(f) + strings.TrimSuffix(script, ".py") + ":app"
	case script != "":
		return bin + "python " + script
	}
	return ""
}

// bind is the option of gunicorn that says where it listens, where its
// configuration does not.
func bind(f *facts) string {
	if gunicornBind.MatchString(f.files["gunicorn.conf.py"]) {
		return ""
	}
	return "--bind 0.0.0.0:$PORT "
}

var (
	gunicornBind = regexp.MustCompile(`(?m)^bind\s*=`)
	coverageJSON = regexp.MustCompile(`(?m)^\[json\]`)
	uwsgiListens = regexp.MustCompile(`(?m)^(http|http-socket|socket)\s*=`)
)

// debianPython is the Python of the operating system.
const debianPython = "/usr/bin/python3"

func wsgiModule(f *facts) string {
	return strings.ReplaceAll(strings.TrimSuffix(f.wsgi[0], ".py"), "/", ".")
}

// systemPython is an application whose modules are packages of the operating
// system: nothing else pins them.
func systemPython(f *facts) stack {
	const python = debianPython + " -B " // it writes no byte code beside the sources: the build has done it
	s := stack{from: f.firstOf("manage.py", "wsgi.py", "app.py", "main.py"), says: "Python with the modules of the operating system",
		build: []string{debianPython + " -m compileall -q ."}, system: []string{"python3"}, ofSystem: true}
	s.notes = append(s.notes, "Nothing pins the Python packages: they are taken to be those of the operating system.")
	if f.has("manage.py") {
		s.django = python
		s.release = []string{python + "manage.py migrate --no-input"}
	}
	s.pythonTests(f, python)
	switch script := f.firstOf("app.py", "main.py"); {
	case len(f.wsgi) > 0 && f.has("gunicorn.conf.py"):
		s.web, s.webFrom = python+"-m gunicorn "+bind(f)+wsgiModule(f), "gunicorn.conf.py and "+f.wsgi[0]
		s.system = append(s.system, modules["gunicorn"])
	case f.has("uwsgi.ini"):
		s.web, s.webFrom = "uwsgi --ini uwsgi.ini", "uwsgi.ini"
		if !uwsgiListens.MatchString(f.files["uwsgi.ini"]) {
			s.web += " --http-socket :$PORT"
		}
		s.system = append(s.system, "uwsgi-core", "uwsgi-plugin-python3")
	case f.has("manage.py"):
		s.web = python + "manage.py runserver --noreload 0.0.0.0:$PORT"
	case script != "":
		s.web = python + script
	}
	return s
}

// pythonTests measures the tests with the operating system's coverage.
func (s *stack) pythonTests(f *facts, python string) {
	if len(f.tests) == 0 {
		s.notes = append(s.notes, "No tests were found.")
		return
	}
	runner := "-m unittest discover -v"
	if f.has("manage.py") {
		runner, s.testFrom = "manage.py test -v 2", "manage.py and "+f.tests[0]
		for _, settings := range []string{"tests/settings.py", "test_settings.py"} {
			if f.has(settings) {
				runner += " --settings " + strings.ReplaceAll(strings.TrimSuffix(settings, ".py"), "/", ".")
				s.testFrom = "manage.py and " + settings
				break
			}
		}
	}
	report := "xml"
	s.coverage, s.format = "coverage.xml", "cobertura"
	if coverageJSON.MatchString(f.files[".coveragerc"]) {
		report, s.coverage, s.format = "json", "coverage.json", "coverage.py"
		s.testFrom += ", report by .coveragerc"
	}
	s.test = python + "-m coverage run " + runner + " && " + debianPython + " -m coverage " + report
}
