//! `buddy explain`: the docs' pages in the terminal.

use std::process::Output;

use buddy_core::callback::mistake::Mistake;
use buddy_core::reason::{Code, Reason};

use super::refused;
use crate::support::Setup;

fn explain(arguments: &[&str]) -> Output {
    Setup::new(None).run(&[&["explain"], arguments].concat())
}

#[track_caller]
fn explained(word: &str) -> String {
    let output = explain(&[word]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_codes_page_is_shown_whole_and_without_markdown() {
    for code in Code::ALL {
        let page = explained(code.as_str());
        let title = format!("{code}\n{}\n\n", "=".repeat(code.as_str().len()));
        assert!(page.starts_with(&title), "{page}");
        for reason in Reason::ALL.iter().filter(|reason| reason.code() == code) {
            assert!(page.contains(&format!("\n\n`{reason}`\n---")), "{code} lacks {reason}");
        }
        for sign in ["**", "](", "|---", "\n#"] {
            assert!(!page.contains(sign), "{code} has {sign}: {page}");
        }
    }
}

#[test]
fn a_reason_is_shown_with_its_pages_head_and_where_the_rest_is() {
    for &reason in Reason::ALL {
        let (page, whole) = (explained(reason.as_str()), explained(reason.code().as_str()));
        let (head, rest) = page.split_once(&format!("\n\n`{reason}`\n")).unwrap();
        let (section, closing) = rest.rsplit_once("\n\n").unwrap();
        assert!(head.contains("What the visitor saw: ") && whole.starts_with(head), "{head}");
        assert!(whole.contains(section) && !section.trim_matches(['-', '\n']).is_empty(), "{section}");
        assert_eq!(closing, format!("The whole page: buddy explain {}\n", reason.code()));
    }
}

#[test]
fn a_mistakes_sentence_is_shown() {
    for mistake in Mistake::ALL {
        let expected = format!(
            "{mistake}\n\n{}\n\nA mistake in signing. Whether a signature shows it: buddy verify\nThe other causes of a 401: buddy explain http_status\n",
            mistake.mend()
        );
        assert_eq!(explained(mistake.as_str()), expected);
    }
}

#[test]
fn a_link_to_another_page_is_the_command_that_shows_it() {
    let page = explained("overloaded");
    assert!(page.contains("timeouts (`buddy explain AUTH_CALLBACK_TIMEOUT`)"), "{page}");
}

#[test]
fn letters_may_be_of_either_case_and_hyphens_stand_for_underscores() {
    for (one, other) in [
        ("auth_callback_failed", "AUTH_CALLBACK_FAILED"),
        ("HTTP_STATUS", "http_status"),
        (" Http-Status ", "http_status"),
        ("Body-Spaced", "body_spaced"),
    ] {
        assert_eq!(explained(one), explained(other));
    }
}

#[test]
fn the_list_has_every_word_with_its_sentence() {
    let output = explain(&["--list"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<_> = list.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  ")).collect();
    let reasons = Reason::ALL.iter().map(|reason| (reason.as_str(), reason.mend()));
    let mistakes = Mistake::ALL.iter().map(|mistake| (mistake.as_str(), mistake.mend()));
    let expected: Vec<_> = reasons.chain(mistakes).collect();
    assert_eq!(rows.into_iter().map(|(word, mend)| (word, mend.trim_start())).collect::<Vec<_>>(), expected);
    assert!(Code::ALL.iter().all(|code| list.lines().any(|line| line == code.as_str())), "{list}");
}

#[test]
fn an_unknown_word_is_refused_with_the_nearest_ones() {
    for (word, nearest) in [
        ("http_stauts", "http_status"),
        ("AUTH_CALLBACK_TIMOUT", "AUTH_CALLBACK_TIMEOUT"),
        ("timeout", "AUTH_CALLBACK_TIMEOUT"),
        ("not_jsn", "not_json"),
        ("sha256", "sha256_prefix"),
        ("x", "html"),
    ] {
        let message = refused(&explain(&[word]));
        assert!(
            message.starts_with(&format!(
                "buddy: no code, reason or mistake is named `{word}`; the nearest names are "
            )),
            "{message}"
        );
        assert!(message.contains(nearest) && message.ends_with(", and --list shows all."), "{message}");
    }
    assert_eq!(explain(&[]).status.code(), Some(2));
}

#[test]
fn a_reader_that_has_gone_is_no_fault() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        Setup::new(None).command(&["explain", "AUTH_CALLBACK_FAILED"]).stdout(writer).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
