//! Settings: flags, variables and lines of `buddy.toml`; a wrong one stops the start with one sentence that names
//! it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::refused;
use crate::support::Setup;

/// A set-up whose address is taken, so that a wrong setting that is let through still starts no server.
fn blocked() -> (TcpListener, Setup) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, Setup::new(None).env("BUDDY_LISTEN", &address))
}

/// Each setting that a file may hold, with values that it cannot take.
const WRONG: [(&str, &[&str]); 17] = [
    ("listen", &["nonsense", "127.0.0.1", "localhost:8700", ":8700", "127.0.0.1:99999"]),
    (
        "public_url",
        &[
            "chat.example.com",
            "ftp://chat.example.com",
            "https://chat.example.com/buddy",
            "https://chat.example.com?x",
            "https://chat.example.com/#x",
            "https://user@chat.example.com",
            "https://",
        ],
    ),
    ("egress_allow", &["intranet", "10.0.0.0/33", "10.0.0.0/8;fd00::/8", "10.0.0.0/8,x", "*"]),
    ("egress_allow_http", &["yes", "1", "TRUE"]),
    ("egress_ca", &["nowhere/ca.pem", "."]),
    ("sessions_per_minute", &["-1", "many", "1.5", "99999999999"]),
    ("agent_sessions_per_minute", &["-1", "many"]),
    ("trusted_proxies", &["proxy.example", "10.0.0.0/33"]),
    ("max_connections", &["0", "-1", "many"]),
    ("max_pending", &["0", "-1", "many"]),
    ("drain_seconds", &["-1", "301", "soon"]),
    ("log", &["loud", "INFO", "debug,hyper=trace"]),
    (
        "otlp_endpoint",
        &[
            "127.0.0.1:4318",
            "grpc://otlp.example:4317",
            "https://user:p4ssw0rd@otlp.example",
            "https://otlp.example?key=p4ssw0rd",
            "http://",
        ],
    ),
    ("otlp_sample", &["-0.1", "1.1", "half", "NaN", "50%"]),
    ("otlp_trust_proxies", &["yes", "1"]),
    ("durability", &["none", "FULL"]),
    ("database_url", &["mysql://buddy:p4ssw0rd@db.example/buddy", "postgresql://db.example", "x"]),
];

#[test]
fn a_wrong_setting_is_named_as_it_was_written() {
    for (name, values) in WRONG {
        for value in values {
            let flag = format!("--{}", name.replace('_', "-"));
            let variable = format!("BUDDY_{}", name.to_uppercase());

            let (_taken, setup) = blocked();
            let by_flag = refused(&setup.run(&["serve", &format!("{flag}={value}")]));
            assert!(by_flag.starts_with(&format!("buddy: {flag}: ")), "{by_flag}");

            let (_taken, setup) = blocked();
            let by_variable = refused(&setup.env(&variable, value).run(&["serve"]));
            assert!(by_variable.starts_with(&format!("buddy: {variable}: ")), "{by_variable}");

            let (_taken, setup) = blocked();
            // An empty variable is as good as none.
            let setup = setup.env(&variable, "");
            std::fs::write(setup.path().join("buddy.toml"), format!("{name} = \"{value}\"\n")).unwrap();
            let by_file = refused(&setup.run(&["serve"]));
            assert!(by_file.starts_with(&format!("buddy: `{name}` in buddy.toml: ")), "{by_file}");
            for message in [by_flag, by_variable, by_file] {
                assert!(message.ends_with('.') && !message.contains("p4ssw0rd"), "{message}");
            }
        }
    }
}

/// A set-up whose server may have no more open files than this, and listens at no address if it should start after all.
fn limited(setup: &Setup, files: &str, arguments: &[&str]) -> Command {
    let server = setup.command(&[&["serve"], arguments].concat());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"ulimit -n "$1" && shift && exec "$@""#, "sh", files]);
    shell.arg(server.get_program()).args(server.get_args()).current_dir(setup.path()).env_clear();
    shell.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn more_connections_than_the_limit_of_open_files_bears_are_refused() {
    for (files, connections) in [("7000", "873"), ("1024", "1")] {
        let (_taken, setup) = blocked();
        let output = limited(&setup, files, &["--max-connections", connections]).output().unwrap();
        let message = refused(&output);
        let begin = format!("buddy: --max-connections: {connections} connections need ");
        assert!(message.starts_with(&begin) && message.contains(&format!("may have {files}:")), "{message}");
        assert!(!setup.data_dir().exists(), "nothing was made");
    }
    // What is borne comes as far as the address, which is taken.
    let (_taken, setup) = blocked();
    let output = limited(&setup, "7000", &["--max-connections", "872"]).output().unwrap();
    assert!(refused(&output).starts_with("buddy: --listen "));
}

#[test]
fn a_wrong_secret_is_named_and_not_shown() {
    let bytes = |count: usize| BASE64_STANDARD.encode(vec![7; count]);
    let good = bytes(32);
    for (variable, value) in [
        ("BUDDY_ADMIN_TOKEN", "too-short".to_owned()),
        ("BUDDY_ADMIN_TOKEN", "with a space in its middle".into()),
        ("BUDDY_ADMIN_TOKEN", "bücher-bücher-bücher".into()),
        ("BUDDY_ADMIN_TOKEN", "x".repeat(257)),
        ("BUDDY_MASTER_KEY", "nonsense!".into()),
        ("BUDDY_MASTER_KEY", bytes(31)),
        ("BUDDY_MASTER_KEY", bytes(33)),
        ("BUDDY_MASTER_KEY", bytes(16)),
        ("BUDDY_MASTER_KEY", good.trim_end_matches('=').into()),
        ("BUDDY_MASTER_KEY", hex::encode([7; 32])),
        ("BUDDY_MASTER_KEY", format!("{good},")),
        ("BUDDY_MASTER_KEY", format!("{good},{}", bytes(31))),
        ("BUDDY_OTLP_HEADERS", "Bearer-s3cret".into()),
        ("BUDDY_OTLP_HEADERS", "authorization=s3cret%0a".into()),
    ] {
        let (_taken, setup) = blocked();
        let message = refused(&setup.env(variable, &value).run(&["serve"]));
        assert!(message.starts_with(&format!("buddy: {variable}: ")), "{message}");
        assert!(!message.contains(&value) && !message.contains(&good), "{message}");
    }
}

#[test]
fn a_variable_that_is_no_text_is_not_passed_over() {
    for variable in ["BUDDY_ADMIN_TOKEN", "BUDDY_MASTER_KEY", "BUDDY_DATA_DIR", "BUDDY_LOG"] {
        let (_taken, setup) = blocked();
        let mut command = setup.command(&["serve"]);
        let output = command.env(variable, OsString::from_vec(vec![b'x', 0xff])).output().unwrap();
        let message = refused(&output);
        assert!(message.starts_with(&format!("buddy: {variable}: ")), "{message}");
    }
}

#[test]
fn a_file_with_anything_that_is_no_setting_stops_the_start() {
    for (text, named) in [
        ("sesions_per_minute = 1", "`sesions_per_minute` in buddy.toml"),
        ("data-dir = \"x\"", "`data-dir` in buddy.toml"),
        ("admin_token = \"bat_0123456789abcdef\"", "`admin_token` in buddy.toml"),
        ("master_key = \"x\"", "`master_key` in buddy.toml"),
        ("config = \"other.toml\"", "`config` in buddy.toml"),
        ("[server]\nlisten = \"127.0.0.1:0\"", "`server` in buddy.toml"),
        ("log = 1.5", "`log` in buddy.toml"),
        ("log = { level = \"info\" }", "`log` in buddy.toml"),
        ("egress_allow = [1, 2]", "`egress_allow` in buddy.toml"),
        ("egress_allow = [\"10.0.0.0/8\", \"x\"]", "`egress_allow` in buddy.toml"),
        ("sessions_per_minute = -1", "`sessions_per_minute` in buddy.toml"),
        ("log == \"info\"", "buddy.toml: is not TOML"),
        ("log = \"info\"\nlog = \"warn\"", "buddy.toml: is not TOML"),
        ("log = info", "buddy.toml: is not TOML"),
        ("{\"log\":\"info\"}", "buddy.toml: is not TOML"),
    ] {
        let (_taken, setup) = blocked();
        // A variable would be looked at instead of the line.
        let setup = setup.env("BUDDY_EGRESS_ALLOW", "").env("BUDDY_SESSIONS_PER_MINUTE", "");
        std::fs::write(setup.path().join("buddy.toml"), text).unwrap();
        let message = refused(&setup.run(&["serve"]));
        assert!(message.contains(named), "{text} was answered: {message}");
    }
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let (_taken, setup) = blocked();
    for arguments in [&["serve", "--config", "other.toml"][..], &["serve", "--config", "."]] {
        let message = refused(&setup.run(arguments));
        assert!(message.contains(arguments[2]) && message.contains("cannot be read"), "{message}");
    }
    let message = refused(&setup.env("BUDDY_CONFIG", "other.toml").run(&["serve"]));
    assert!(message.contains("other.toml"), "{message}");
}

#[test]
fn what_no_flag_takes_is_named() {
    let (_taken, setup) = blocked();
    for (arguments, named) in [
        (&["serve", "--sesions-per-minute", "1"][..], "--sesions-per-minute"),
        (&["serve", "--listen"], "--listen"),
        (&["serve", "--admin-token", "bat_0123456789abcdef"], "--admin-token"),
        (&["serve", "extra"], "extra"),
        (&["sevre"], "sevre"),
    ] {
        let output = setup.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(named), "{output:?}");
    }
}

#[tokio::test]
async fn a_flag_beats_the_variable_and_the_variable_beats_the_file() {
    for (flag, variable, expected) in [
        (Some("by-flag"), Some("by-variable"), "by-flag"),
        (Some("by-flag"), None, "by-flag"),
        (None, Some("by-variable"), "by-variable"),
        (None, Some(""), "by-file"),
        (None, None, "by-file"),
    ] {
        let mut setup = Setup::new(None);
        std::fs::write(setup.path().join("buddy.toml"), "data_dir = \"by-file\"").unwrap();
        if let Some(variable) = variable {
            setup = setup.env("BUDDY_DATA_DIR", variable);
        }
        let arguments: Vec<_> = flag.iter().flat_map(|flag| ["--data-dir", flag]).collect();
        let (status, printed, setup) = setup.start_with(&arguments).stop();
        assert!(status.success());
        assert!(printed.lines().any(|line| line == format!("data dir: {expected}")), "{printed}");
        for name in ["by-flag", "by-variable", "by-file"] {
            assert_eq!(setup.path().join(name).exists(), name == expected, "{name}");
        }
    }
}

#[tokio::test]
async fn every_setting_can_be_a_line_of_a_file_of_any_name() {
    let text = r#"
        listen = "127.0.0.1:0"
        data_dir = "kept"
        public_url = "https://chat.example.com"
        egress_allow = ["127.0.0.0/8", "::1"]
        egress_allow_http = true
        sessions_per_minute = 2
        log = "error"
        durability = "normal"
    "#;
    let setup = ["LISTEN", "EGRESS_ALLOW", "SESSIONS_PER_MINUTE"]
        .into_iter()
        .fold(Setup::new(None), |setup, name| setup.env(&format!("BUDDY_{name}"), ""));
    std::fs::write(setup.path().join("other.toml"), text).unwrap();
    // Nobody reads this one when another is named.
    std::fs::write(setup.path().join("buddy.toml"), "nonsense = 1").unwrap();
    let buddy = setup.start_with(&["--config", "other.toml"]);
    let agent = buddy.bare_agent().await;
    let callback = Some(json!({"url": "http://127.0.0.1:1/"}));
    buddy.operator("PUT", &(agent.path() + "/callback"), callback).await.expect_status(200);
    let begin = || Some(json!({"agentId": agent.id, "identify": false}));
    for status in [201, 201, 429] {
        buddy.api.call("POST", "/v1/sessions", None, begin()).await.expect_status(status);
    }
    let (status, printed, setup) = buddy.stop();
    assert!(status.success() && printed.contains("data dir: kept"), "{printed}");
    assert_eq!(setup.log(), "", "only errors are logged");
}

#[test]
fn the_help_names_every_setting_and_every_variable() {
    let setup = Setup::new(None);
    let output = setup.run(&["serve", "--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let names: BTreeSet<_> = WRONG.into_iter().map(|(name, _)| name).chain(["data_dir", "config"]).collect();
    for name in &names {
        let (flag, variable) = (name.replace('_', "-"), name.to_uppercase());
        assert!(help.contains(&format!("--{flag}")), "{flag} is not in {help}");
        assert!(help.contains(&format!("BUDDY_{variable}]")), "{variable} is not in {help}");
    }
    // And none of them was forgotten here.
    let flags = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let flags =
        flags.map(|flag| flag.split(|end: char| end != '-' && !end.is_ascii_lowercase()).next().unwrap());
    let flags: BTreeSet<_> = flags.map(|flag| flag.replace('-', "_")).filter(|flag| flag != "help").collect();
    assert!(flags.iter().map(String::as_str).eq(names), "{flags:?}");
    for secret in ["BUDDY_ADMIN_TOKEN", "BUDDY_MASTER_KEY", "BUDDY_OTLP_HEADERS"] {
        assert!(help.contains(secret), "{secret} is not in {help}");
    }
    for default in ["127.0.0.1:8700", "./buddy-data", "120", "info", "full"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default} is not in {help}");
    }
    let output = setup.run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("serve") && help.contains("demo"), "{help}");
}

#[test]
fn the_version_is_the_packages() {
    let output = Setup::new(None).run(&["--version"]);
    assert!(output.status.success());
    assert_eq!(output.stdout, concat!("buddy ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
}
