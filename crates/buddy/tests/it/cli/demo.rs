//! `buddy demo`: what goes right and wrong, shown and cleaned up.

use std::fs;

use crate::support::Setup;

#[test]
fn the_demo_shows_every_case_in_plain_text_and_leaves_nothing() {
    let setup = Setup::new(None);
    let (scratch, work) = (setup.path().join("tmp"), setup.path().join("work"));
    fs::create_dir(&scratch).unwrap();
    fs::create_dir(&work).unwrap();
    let mut command = setup.command(&["demo"]);
    let output = command.env("TMPDIR", &scratch).current_dir(&work).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains('\x1b'), "a pipe gets no colours: {shown}");

    let scenes: Vec<_> = shown.split("\n\n").collect();
    let [opening, ada, nobody, slow, broken, down, closing] = scenes[..] else { panic!("{shown}") };
    assert!(opening.contains("http://127.0.0.1:") && closing.contains("buddy serve"), "{shown}");
    for (scene, title, status, code, attempts) in [
        (ada, "1. Ada is signed in", "authenticated", None, 1),
        (nobody, "2. Nobody is signed in", "anonymous", None, 1),
        (slow, "3. The endpoint is slow", "anonymous", Some("AUTH_CALLBACK_TIMEOUT · timeout_headers"), 2),
        (broken, "4. The endpoint is broken", "anonymous", Some("AUTH_CALLBACK_BAD_RESPONSE · html"), 1),
        (down, "5. The endpoint is down", "anonymous", Some("AUTH_CALLBACK_FAILED · connect_failed"), 1),
    ] {
        assert!(scene.starts_with(title), "{scene}");
        assert!(scene.contains(&format!("the agent knows {status}")), "{scene}");
        assert!(scene.contains(&format!("the browser knows {status}")), "{scene}");
        assert_eq!(scene.matches("sent POST https://localhost:").count(), attempts, "{scene}");
        assert_eq!(scene.matches("\n  took ").count(), attempts, "{scene}");
        assert_eq!(scene.contains("error AUTH_"), code.is_some(), "{scene}");
        assert!(code.is_none_or(|code| scene.contains(&format!("error {code}"))), "{scene}");
    }
    assert!(ada.contains("userId \"1815\"") && ada.contains("x-platform-signature: "), "{ada}");
    for directory in [scratch, work] {
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0, "nothing is left");
    }
}
