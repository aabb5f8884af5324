//! The few lines that mend a finding, in the integrator's framework. Whole handlers are cut from the examples, which run
//! in the tests.

use std::fmt;

use clap::ValueEnum;

use crate::check::Check;

macro_rules! frameworks {
    ($($variant:ident = $name:literal, $file:literal, session: $session:literal, raw: $raw:literal, verify: $verify:literal, nobody: $nobody:literal;)*) => {
        /// A framework that is known here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub(crate) enum Framework {
            $(#[value(name = $name)] #[doc = $file] $variant,)*
        }

        impl Framework {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is written everywhere.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The example's file, from the project's root.
            pub(crate) fn file(self) -> &'static str {
                match self { $(Self::$variant => $file,)* }
            }

            fn example(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../../", $file)),)* }
            }

            fn session_example(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../../", $session)),)* }
            }

            /// How the raw body is got.
            fn raw(self) -> &'static str {
                match self { $(Self::$variant => $raw,)* }
            }

            /// How a request is verified.
            fn verify(self) -> &'static str {
                match self { $(Self::$variant => $verify,)* }
            }

            /// How it is said that nobody is signed in.
            fn nobody(self) -> &'static str {
                match self { $(Self::$variant => $nobody,)* }
            }
        }
    };
}

frameworks! {
    Express = "express", "examples/express/server.js",
        session: "examples/express/server.js",
        raw: "app.post('/buddy/identity', express.raw({ type: '*/*' }), handler); // req.body is the raw bytes\n// before any app.use(express.json()), which would take the body first",
        verify: "import { verify } from 'buddy-verify';\nconst { sessionId } = verify(req.body, req.get('X-Platform-Signature'), [secret]); // throws: answer 401",
        nobody: "return res.status(204).end();";
    Fastify = "fastify", "examples/fastify/server.js",
        session: "examples/fastify/server.js",
        raw: "fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => done(null, body));\n// in a plugin of its own, so that the other routes keep their parser",
        verify: "import { verify } from 'buddy-verify';\nconst { sessionId } = verify(request.body, request.headers['x-platform-signature'], [secret]); // throws: answer 401",
        nobody: "return reply.code(204).send();";
    Next = "next", "examples/next/app/buddy/identity/route.js",
        session: "examples/next/app/buddy/session/route.js",
        raw: "const raw = Buffer.from(await request.arrayBuffer()); // not request.json()",
        verify: "import { verify } from 'buddy-verify';\nconst { sessionId } = verify(raw, request.headers.get('X-Platform-Signature'), [secret]); // throws: answer 401",
        nobody: "return new Response(null, { status: 204 });";
    Flask = "flask", "examples/flask/shop.py",
        session: "examples/flask/shop.py",
        raw: "raw = request.get_data()  # not request.json",
        verify: "from buddy_verify import verify\ncallback = verify(raw, request.headers.get(\"X-Platform-Signature\"), [secret])  # raises VerifyError: answer 401",
        nobody: "return \"\", 204";
    FastApi = "fastapi", "examples/fastapi/shop.py",
        session: "examples/fastapi/shop.py",
        raw: "raw = await request.body()  # request: Request, not a model of the body",
        verify: "from buddy_verify import verify\ncallback = verify(raw, request.headers.get(\"X-Platform-Signature\"), [secret])  # raises VerifyError: answer 401",
        nobody: "return Response(status_code=204)";
    Django = "django", "examples/django/shop.py",
        session: "examples/django/shop.py",
        raw: "raw = request.body  # before anything reads request.POST",
        verify: "from buddy_verify import verify\ncallback = verify(raw, request.headers.get(\"X-Platform-Signature\"), [secret])  # raises VerifyError: answer 401",
        nobody: "return HttpResponse(status=204)";
    Go = "go", "examples/go/main.go",
        session: "examples/go/main.go",
        raw: "raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<10)) // before json.Unmarshal",
        verify: "callback, err := verify.Verify(raw, r.Header.Values(\"X-Platform-Signature\"), []string{secret}, time.Now()) // err: answer 401",
        nobody: "w.WriteHeader(http.StatusNoContent)";
    Axum = "axum", "examples/axum/src/main.rs",
        session: "examples/axum/src/main.rs",
        raw: "async fn identity(headers: HeaderMap, raw: Bytes) -> Response // not Json<…>",
        verify: "let callback = buddy_verify::verify(&raw, signature, &[&secret], now)?; // the error: answer 401",
        nobody: "StatusCode::NO_CONTENT.into_response()";
    Php = "php", "examples/php/index.php",
        session: "examples/php/index.php",
        raw: "$raw = file_get_contents('php://input'); // not $_POST",
        verify: "$callback = Buddy::verify($raw, $_SERVER['HTTP_X_PLATFORM_SIGNATURE'] ?? null, [$secret]); // throws VerifyError: answer 401",
        nobody: "http_response_code(204);\nexit;";
    Laravel = "laravel", "examples/laravel/routes/web.php",
        session: "examples/laravel/routes/web.php",
        raw: "$raw = $request->getContent(); // not $request->all()",
        verify: "$callback = Buddy::verify($raw, $request->header('X-Platform-Signature'), [$secret]); // throws VerifyError: answer 401",
        nobody: "return response()->noContent();";
}

impl Framework {
    /// What mends the finding, if lines of code do.
    pub(crate) fn lines(self, check: Check) -> Option<&'static str> {
        match check {
            Check::RightSignature | Check::RawBody | Check::OtherBody => Some(self.raw()),
            Check::WrongSignature | Check::MissingSignature | Check::OtherSecret | Check::OldRequest => {
                Some(self.verify())
            }
            Check::UnknownSession => Some(self.nobody()),
            Check::Reach | Check::Certificate | Check::Latency | Check::KeepAlive | Check::Clock => None,
        }
    }

    /// The whole identity endpoint.
    pub(crate) fn endpoint(self) -> String {
        region(self.example(), "identity")
    }

    /// The whole session endpoint, where the page binds a session to its user.
    pub(crate) fn session_endpoint(self) -> String {
        region(self.session_example(), "session")
    }

    pub(crate) fn names() -> String {
        Self::ALL.iter().map(|framework| framework.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// What stands between `[name]` and `[/name]` in the example.
fn region(example: &str, name: &str) -> String {
    let (begin, end) = (format!("[{name}]"), format!("[/{name}]"));
    let region = example.lines().skip_while(|line| !line.contains(&begin)).skip(1);
    let region: Vec<_> = region.take_while(|line| !line.contains(&end)).collect();
    let indent = region.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(line)).min();
    let dedent = |line: &&str| line.get(indent.unwrap_or_default()..).unwrap_or_default().to_owned();
    region.iter().map(dedent).collect::<Vec<_>>().join("\n")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_framework_shows_both_endpoints_of_few_lines() {
        for framework in Framework::ALL {
            for (name, endpoint) in
                [("identity", framework.endpoint()), ("session", framework.session_endpoint())]
            {
                let lines = endpoint.lines().count();
                assert!((1..=15).contains(&lines), "{framework}: {name} has {lines} lines");
                assert!(endpoint.to_lowercase().contains(name), "{framework}: {endpoint}");
                assert!(!endpoint.starts_with(' ') && !endpoint.starts_with('\t'), "{framework}: {endpoint}");
            }
        }
    }
}
