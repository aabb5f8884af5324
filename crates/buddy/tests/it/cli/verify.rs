//! `buddy verify`: right or wrong, and by which mistake.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Output, Stdio};

use buddy_core::callback::mistake::Mistake;
use buddy_core::secret::CallbackSecret;
use serde_json::{Value, json};

use super::misused;
use crate::support::Setup;

/// Secret, body and signature of the example in spec/callback.md.
const SECRET: &str = "bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx";
const BODY: &str = r#"{"sessionId":"sess_01hz2v6yqefws8h3k5n7p9r1tv","agentId":"agt_01hz2v6yqdfqr9c2d4e6f8g0hj","timestamp":1717000000}"#;
const SIGNATURE: &str = "fcd21bc62af7b0fa710476a41d1ee9d7927fcc5f9495a5a976cd89df2b0a8120";
const OLD_SECRET: &str = "the-old-secret-00";
const OTHER_SECRET: &str = "another-agents-00";

/// A body in a file, and three secrets in variables.
fn setup(body: &str) -> Setup {
    let setup = Setup::new(None);
    std::fs::write(setup.path().join("body.json"), body).unwrap();
    setup.env("SECRET", SECRET).env("OLD", OLD_SECRET).env("OTHER", OTHER_SECRET)
}

fn verify(setup: &Setup, signature: &str, further: &[&str]) -> Output {
    let arguments = ["verify", "--body", "body.json", "--signature", signature, "--secret-env", "SECRET"];
    setup.run(&[&arguments, further].concat())
}

/// What it printed, with nothing on standard error and no secret anywhere.
#[track_caller]
fn told(output: Output, status: i32) -> String {
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(stderr.is_empty(), "{stderr}");
    assert_eq!(output.status.code(), Some(status), "{stdout}");
    for secret in [SECRET, OLD_SECRET, OTHER_SECRET] {
        assert!(!stdout.contains(secret), "{stdout}");
    }
    stdout
}

fn secret(text: &str) -> CallbackSecret {
    CallbackSecret::parse(text).unwrap()
}

#[test]
fn a_right_signature_is_right_and_the_age_of_what_it_signs_is_told() {
    let setup = setup(BODY);
    for (now, rest) in [
        ("1717000012", "12 s ago\n  fresh:      an endpoint that allows 300 s takes it"),
        ("1717000300", "300 s ago\n  fresh:      an endpoint that allows 300 s takes it"),
        ("1716999700", "300 s ahead\n  fresh:      an endpoint that allows 300 s takes it"),
        (
            "1717000301",
            "301 s ago\n  stale:      1 s too old; an endpoint that allows 300 s refuses it now. As of when it was made: --now 1717000000",
        ),
        (
            "1716990000",
            "10000 s ahead\n  stale:      9700 s too far ahead; an endpoint that allows 300 s refuses it. Let both clocks be set by NTP.",
        ),
    ] {
        let expected = format!(
            "right\n  session:    sess_01hz2v6yqefws8h3k5n7p9r1tv\n  agent:      agt_01hz2v6yqdfqr9c2d4e6f8g0hj\n  timestamp:  1717000000, 2024-05-29T16:26:40Z, {rest}\n"
        );
        assert_eq!(told(verify(&setup, SIGNATURE, &["--now", now]), 0), expected);
    }
    let printed = told(verify(&setup, SIGNATURE, &["--now", "1717000301", "--json"]), 0);
    let expected = json!({"right": true, "callback": {
        "sessionId": "sess_01hz2v6yqefws8h3k5n7p9r1tv", "agentId": "agt_01hz2v6yqdfqr9c2d4e6f8g0hj",
        "timestamp": 1_717_000_000, "ageSeconds": 301, "fresh": false,
    }});
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), expected);
    let now = told(verify(&setup, SIGNATURE, &[]), 0);
    assert!(now.contains("too old"), "without --now it is now: {now}");
}

#[test]
fn a_right_signature_of_what_is_no_callback_is_right_and_says_so() {
    let setup = setup("{}");
    let header = Mistake::BodyEmptyObject.header(&secret(SECRET), BODY.as_bytes()).unwrap();
    let expected = "right\n  But the body is no callback: it lacks a sessionId, agentId or timestamp of the right form.\n";
    assert_eq!(told(verify(&setup, &header, &[]), 0), expected);
    let printed = told(verify(&setup, &header, &["--json"]), 0);
    assert_eq!(printed, "{\"right\":true,\"callback\":null}\n");
}

#[test]
fn every_mistake_is_named_with_what_to_do() {
    let hex = "00112233445566778899aabbccddeeff";
    let mut told_of = 0;
    for &mistake in Mistake::ALL {
        let own = if mistake == Mistake::SecretHexDecoded { hex } else { SECRET };
        let setup = setup(BODY).env("SECRET", own);
        let Some(header) = mistake.header(&secret(own), BODY.as_bytes()) else { continue };
        let printed = told(verify(&setup, &header, &[]), 1);
        let told_first = format!("wrong: {mistake}\n  {}\n", mistake.mend());
        let rest = printed.strip_prefix(&told_first).unwrap_or_else(|| panic!("{mistake}: {printed}"));
        let is_of_body = mistake.signed(BODY.as_bytes()).is_some();
        assert_eq!(rest.starts_with("  signed: "), is_of_body, "{rest}");
        assert_eq!(rest.is_empty(), !is_of_body, "{rest}");
        told_of += 1;
    }
    assert_eq!(told_of, Mistake::ALL.len() - 2, "all but the two of a body that was changed since");
}

#[test]
fn two_bodies_are_shown_where_they_begin_to_differ() {
    let signed = |mistake: Mistake| mistake.header(&secret(SECRET), BODY.as_bytes()).unwrap();
    for (mistake, shown) in [
        (
            Mistake::BodySpaced,
            "  signed: {\"sessionId\": \"sess_01hz2v6yqefws8h3k…\n  body:   {\"sessionId\":\"sess_01hz2v6yqefws8h3k5…\n                       ^ after 13 bytes\n",
        ),
        (
            Mistake::BodyCrlf,
            "  signed: …,\"timestamp\":1717000000}\\r\\n\n  body:   …,\"timestamp\":1717000000}\n                                   ^ after 113 bytes\n",
        ),
        (
            Mistake::BodyIndented2,
            "  signed: {\\n  \"sessionId\": \"sess_01…\n  body:   {\"sessionId\":\"sess_01hz2v…\n           ^ after 1 byte\n",
        ),
    ] {
        let printed = told(verify(&setup(BODY), &signed(mistake), &[]), 1);
        let expected = format!("wrong: {mistake}\n  {}\n{shown}", mistake.mend());
        assert_eq!(printed, expected);
    }
    let kept_with_line_end = setup(&format!("{BODY}\n"));
    let expected = format!(
        "wrong: body_trimmed\n  {}\n  signed: …,\"timestamp\":1717000000}}\n  body:   …,\"timestamp\":1717000000}}\\n\n                                   ^ after 113 bytes\n",
        Mistake::BodyTrimmed.mend()
    );
    assert_eq!(told(verify(&kept_with_line_end, SIGNATURE, &[]), 1), expected);
    let printed = told(verify(&kept_with_line_end, SIGNATURE, &["--json"]), 1);
    let expected = json!({
        "right": false,
        "findings": [{"name": "body_trimmed", "mend": Mistake::BodyTrimmed.mend()}],
        "signedWith": null,
        "difference": {"at": 113, "signed": "…,\"timestamp\":1717000000}", "body": "…,\"timestamp\":1717000000}\\n"},
    });
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), expected);
    let kept_sorted =
        setup(&String::from_utf8(Mistake::BodySortedSpaced.signed(BODY.as_bytes()).unwrap()).unwrap());
    let printed = told(verify(&kept_sorted, SIGNATURE, &[]), 1);
    assert!(printed.starts_with("wrong: body_as_sent\n"), "{printed}");
}

#[test]
fn another_secret_is_named_and_what_else_is_wrong_beside_it() {
    let setup = setup(BODY);
    let both = ["--old-secret-env", "OLD", "--other-secret-env", "OTHER"];
    let base64 = Mistake::Base64.header(&secret(OLD_SECRET), BODY.as_bytes()).unwrap();
    let spaced = Mistake::BodySpaced.header(&secret(OTHER_SECRET), BODY.as_bytes()).unwrap();
    let old = "The signature is that of OLD: this is the secret from before the rotation. Until the rotation ends let both count.";
    let other =
        "The signature is that of OTHER: this is not the agent's secret. Let one side use the other's.";
    let (form, body) = (Mistake::Base64.mend(), Mistake::BodySpaced.mend());
    assert_eq!(
        told(verify(&setup, &base64, &both), 1),
        format!("wrong: old_secret, base64\n  old_secret: {old}\n  base64: {form}\n")
    );
    let printed = told(verify(&setup, &spaced, &both), 1);
    let told_first = format!(
        "wrong: other_secret, body_spaced\n  other_secret: {other}\n  body_spaced: {body}\n  signed: {{"
    );
    assert!(printed.starts_with(&told_first), "{printed}");

    std::fs::write(setup.path().join("body.json"), "no JSON").unwrap();
    let signed = setup.run(&["sign", "--body", "body.json", "--secret-env", "OLD", "--signature-only"]);
    let signature = told(signed, 0);
    assert_eq!(told(verify(&setup, signature.trim(), &both), 1), format!("wrong: old_secret\n  {old}\n"));
    let printed = told(verify(&setup, signature.trim(), &[&both[..], &["--json"]].concat()), 1);
    let expected = json!({
        "right": false, "findings": [{"name": "old_secret", "mend": old}], "signedWith": "OLD", "difference": null,
    });
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), expected);
}

#[test]
fn a_header_that_cannot_be_one_is_told_by_its_shape() {
    let setup = setup(BODY);
    for (signature, name, mend) in [
        ("", "empty_header", "There is no signature: take the value of the header X-Platform-Signature."),
        (
            &SIGNATURE[..63],
            "cut_off",
            "The signature is cut off after 63 of 64 characters, and right so far: take all of it.",
        ),
        (
            "-1",
            "wrong_length",
            "The signature has 2 characters: it must be 64, lower-case hex and nothing else.",
        ),
        (&"g".repeat(64), "not_hex", "The signature is not lower-case hex: it must be of 0-9 and a-f alone."),
        (
            &format!("{SIGNATURE}\n"),
            "space_around",
            "The signature has white space around it: take the header's value alone.",
        ),
        (
            &format!("{SIGNATURE}, {SIGNATURE}"),
            "several_values",
            "The header has several values: Buddy sends one, so look for a proxy that adds or joins headers.",
        ),
        (
            &"0".repeat(64),
            "unknown",
            "No known mistake leads to this signature: it is of another body or of another secret. Take body and signature from one request, and give more secrets with --other-secret-env.",
        ),
    ] {
        assert_eq!(told(verify(&setup, signature, &[]), 1), format!("wrong: {name}\n  {mend}\n"));
    }
}

#[test]
fn what_is_around_the_secret_in_its_variable_is_a_mistake_of_its_own() {
    for (value, mistake) in [
        (format!("{SECRET}\n"), Mistake::SecretNewline),
        (format!("{SECRET}\r\n"), Mistake::SecretCrlf),
        (format!("{SECRET} "), Mistake::SecretSpace),
        (format!("\"{SECRET}\""), Mistake::SecretQuoted),
        (format!("'{SECRET}'"), Mistake::SecretSingleQuoted),
    ] {
        let setup = setup(BODY).env("SECRET", &value);
        let mend = mistake.mend();
        let with = mistake.header(&secret(SECRET), BODY.as_bytes()).unwrap();
        for (signature, told_last) in [
            (SIGNATURE, "The signature is right without it."),
            (with.as_str(), "The signature was made with it."),
        ] {
            let expected = format!("wrong: {mistake}\n  {mend} It is in SECRET. {told_last}\n");
            assert_eq!(told(verify(&setup, signature, &[]), 1), expected);
        }
        let upper = Mistake::UpperCase.header(&secret(SECRET), BODY.as_bytes()).unwrap();
        let expected = format!(
            "wrong: {mistake}, upper_case\n  {mistake}: {mend} It is in SECRET.\n  upper_case: {}\n",
            Mistake::UpperCase.mend()
        );
        assert_eq!(told(verify(&setup, &upper, &[]), 1), expected);
        let signing = setup.run(&["sign", "--secret-env", "SECRET"]);
        assert_eq!(misused(&signing), format!("buddy: --secret-env: SECRET ({mistake}): {mend}"));
    }
}

#[test]
fn what_cannot_be_judged_is_one_sentence_that_shows_no_secret() {
    let unset = "this variable is not set; it must hold the callback secret.";
    let no_name = "a secret is given by the name of the variable that holds it, and this is no name of one: export it, and give its name.";
    for (flag, name, said) in [
        ("--old-secret-env", "NOWHERE", format!("NOWHERE: {unset}")),
        ("--other-secret-env", "NOWHERE", format!("NOWHERE: {unset}")),
        ("--other-secret-env", SECRET, no_name.to_owned()),
        ("--other-secret-env", "not a name", no_name.to_owned()),
        ("--other-secret-env", "EMPTY", "EMPTY: this variable is empty; it must hold the callback secret.".to_owned()),
        (
            "--other-secret-env",
            "SHORT",
            "SHORT: a secret is 16 to 256 visible ASCII characters (0x21 to 0x7e, so no spaces or line ends).".to_owned(),
        ),
    ] {
        let setup = setup(BODY).env("EMPTY", "").env("SHORT", "short");
        let message = misused(&verify(&setup, SIGNATURE, &[flag, name]));
        assert_eq!(message, format!("buddy: {flag}: {said}"));
    }
    let setup = setup(BODY);
    let arguments = |body| ["verify", "--body", body, "--signature", SIGNATURE, "--secret-env", "SECRET"];
    let mut command = setup.command(&arguments("body.json"));
    let output = command.env("SECRET", OsStr::from_bytes(b"0123456789abcdef\xff")).output().unwrap();
    assert_eq!(misused(&output), "buddy: --secret-env: SECRET: must be text in UTF-8.");

    std::fs::write(setup.path().join("full"), " ".repeat(64 * 1024)).unwrap();
    std::fs::write(setup.path().join("over"), " ".repeat(64 * 1024 + 1)).unwrap();
    assert!(told(setup.run(&arguments("full")), 1).starts_with("wrong: unknown\n"));
    for (file, said) in [
        ("over", "over 64 KiB, which no callback's body is."),
        ("/dev/zero", "over 64 KiB, which no callback's body is."),
        ("nowhere", "No such file or directory (os error 2)."),
        (".", "Is a directory (os error 21)."),
    ] {
        assert_eq!(misused(&setup.run(&arguments(file))), format!("buddy: --body {file}: {said}"));
    }
}

#[test]
fn a_body_may_come_from_standard_input() {
    let setup = setup("another");
    let arguments =
        ["verify", "--body", "-", "--signature", SIGNATURE, "--secret-env", "SECRET", "--now", "1717000000"];
    let mut command = setup.command(&arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(BODY.as_bytes()).unwrap();
    let printed = told(process.wait_with_output().unwrap(), 0);
    assert!(printed.starts_with("right\n"), "{printed}");
}

#[test]
fn the_verdict_stands_when_nobody_reads_it() {
    let setup = setup(BODY);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let arguments = ["verify", "--body", "body.json", "--signature", "00", "--secret-env", "SECRET"];
    let output = setup.command(&arguments).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(1), Vec::new()));
}
