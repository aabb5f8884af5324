use super::*;
use crate::callback::signature::sign;

const SECRET: &str = "bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx";
const BODY: &str = r#"{"sessionId":"sess_01hz2v6yqefws8h3k5n7p9r1tv","agentId":"agt_01hz2v6yqdfqr9c2d4e6f8g0hj","timestamp":1717000000}"#;

fn secret(text: &str) -> CallbackSecret {
    CallbackSecret::parse(text).unwrap()
}

/// Secrets of every look: Buddy's own, hex, base64 of both alphabets, and none of these.
fn secrets() -> Vec<CallbackSecret> {
    let own = [
        "00112233445566778899aabbccddeeff",
        "c2VjcmV0LW9mLTMyLWJ5dGVzLWhlcmU=",
        "ab-_cd-_ef-_gh-_",
        "not!base64!nor!hex",
    ];
    let made = (0..4).map(|byte| CallbackSecret::generate([byte; 32]));
    own.into_iter().map(secret).chain(made).collect()
}

#[test]
fn every_name_reads_back_and_ends_in_a_sentence() {
    for mistake in Mistake::ALL {
        assert_eq!(mistake.as_str().parse(), Ok(*mistake));
        assert!(mistake.mend().ends_with('.') && !mistake.mend().contains('\n'), "{mistake}");
    }
    assert_eq!("nonsense".parse::<Mistake>(), Err(Unknown));
}

#[test]
fn every_mistake_is_known_by_its_own_signature_and_none_is_the_right_one() {
    let spaced = BODY.replace(':', ": ");
    let sorted = r#"{"agentId":"agt_01hz2v6yqdfqr9c2d4e6f8g0hj","sessionId":"sess_01hz2v6yqefws8h3k5n7p9r1tv","timestamp":1}"#;
    let bodies = [
        BODY,
        &format!("{BODY}\n"),
        &spaced,
        sorted,
        "",
        "{}",
        "no JSON",
        "\u{feff}{\"a\":[1]}",
        "it's {\\}",
    ];
    let mut made = std::collections::HashSet::new();
    for secret in secrets() {
        for body in bodies.map(str::as_bytes) {
            let right = sign(&secret, body);
            for &mistake in Mistake::ALL {
                let Some(header) = mistake.header(&secret, body) else { continue };
                made.insert(mistake);
                assert_ne!(header, right, "{mistake}");
                assert!(header.bytes().all(|byte| byte.is_ascii_graphic()), "{mistake}: {header}");
                let Diagnosis::Known(finding) = diagnose(&secret, body, &header, &[]) else {
                    panic!("{mistake} is not known by {header}");
                };
                let [found] = finding.mistakes[..] else { panic!("{mistake} is known as {finding:?}") };
                // Two mistakes of one signature, such as body_trimmed and body_as_sent: the first is told.
                assert_eq!(
                    found.header(&secret, body).as_ref(),
                    Some(&header),
                    "{mistake} is known as {found}"
                );
                assert_eq!(finding.signed, found.signed(body), "{mistake}");
                assert_eq!((finding.shape, finding.signed_with), (None, None), "{mistake}");
            }
        }
    }
    assert_eq!(made.len(), Mistake::ALL.len(), "each can be made");
}

#[test]
fn on_the_body_that_buddy_sends_every_mistake_has_a_signature_of_its_own() {
    for secret in secrets() {
        let mut seen = std::collections::HashMap::new();
        for &mistake in Mistake::ALL {
            if let Some(header) = mistake.header(&secret, BODY.as_bytes())
                && let Some(other) = seen.insert(header, mistake)
            {
                panic!("{mistake} and {other} come to one signature");
            }
        }
    }
}

/// Computed elsewhere, with Python's json, hmac, hashlib and base64.
const HEADERS: &[(&str, &str)] = &[
    ("base64", "/NIbxir3sPpxBHakHR7p15J/zF+UlaWpds2J3ysKgSA="),
    ("base64url", "_NIbxir3sPpxBHakHR7p15J_zF-UlaWpds2J3ysKgSA"),
    (
        "base64_of_hex",
        "ZmNkMjFiYzYyYWY3YjBmYTcxMDQ3NmE0MWQxZWU5ZDc5MjdmY2M1Zjk0OTVhNWE5NzZjZDg5ZGYyYjBhODEyMA==",
    ),
    ("upper_case", "FCD21BC62AF7B0FA710476A41D1EE9D7927FCC5F9495A5A976CD89DF2B0A8120"),
    ("sha256_prefix", "sha256=fcd21bc62af7b0fa710476a41d1ee9d7927fcc5f9495a5a976cd89df2b0a8120"),
    ("version_prefix", "v1=fcd21bc62af7b0fa710476a41d1ee9d7927fcc5f9495a5a976cd89df2b0a8120"),
    ("body_spaced", "e24a2864b7efd892ce00a7a6e31f906d8515bbc3616d5fe3d87981be1b1bd13e"),
    ("body_sorted", "92d2f4eb2c1b0218fbf225e1a9cbc288a86cc85fe6d4a194f896975b93eb6f35"),
    ("body_sorted_spaced", "6414e6e7e4e9cd1ca37442872190a090ff36eee9203a8fe9642f0ec9e977176f"),
    ("body_indented_2", "564f5a9fe6d11903e4accb079c9c34a8909e8a188aa9117da7317fabd794bd97"),
    ("body_indented_4", "4edd75f09fbdffd7996e7fb131ceaa7a88b8796108f34375047f382a257f4c01"),
    ("body_newline", "cf81685e2f14609a9e2361e01b7a9f8a370177702af2e3b04657ebd6db953032"),
    ("body_crlf", "856a7aaf93fa89f4401930f17397a3bfd4be7736bfad59d11c663a825a2b7d91"),
    ("body_quoted", "6cd1c7057426676b842f26dc4da0245945a681234b4283c2c1b859559344f05f"),
    ("body_python_dict", "7a446d8e5c7d1c0228facc715dab1c60ea045a883383d233f22c17e20e7a0897"),
    ("body_python_bytes", "5e10074feb3cc92ea216746006e16516ae1bec14a2c5e6613ae75c0d147069ee"),
    ("body_object_object", "4f2940573228e1e52c053c39562187ac9ee4d3f6eb8da6e81bb6b1a01a712be1"),
    ("body_empty", "f3d7f892d6bb4f644a4c8aca1e23233149146f8f1f6948d40d7b513aae9ad9cb"),
    ("body_empty_object", "d6ee6519480d0fe03664cea1c86ee0151bc7cb40efe8ad8f918ff65675547d35"),
    ("session_id_only", "adefb711fbdcfad06e9d764c36d2374b564b1497f40734dd8262e5e7ba88de5d"),
    ("timestamp_dot_body", "450a68c9294fe842c437f7a6495e8b5a599b338741185e3cea185372dc6ae129"),
    ("version_timestamp_body", "c4ecef353f4fcb8777b3a8f7d7760953063e06536c15545fcb2b8e513594edd9"),
    ("secret_newline", "d49061c8357e9f0fb8f27657e9714d26c0a367f247d715dac590933b8de5afa4"),
    ("secret_crlf", "656765887ce9d894e38471d6c8fd2dff142a1215af0c4dbb04a9bb401f3d99a1"),
    ("secret_space", "dff4374ef49e041091741d571467e33ddd25495aea70b8899cf6e50bcd81e733"),
    ("secret_quoted", "a16883afc63fb6941d15af2f7ef6ed37215d3e2f24feda30c612b6b6a90b7fdb"),
    ("secret_single_quoted", "9ebdd68e88a36b658c4b3a3ba5cfa06082016716c31c23a72e83f40e62d605e0"),
    ("secret_without_prefix", "76bf8a689dcd7a8775e771e9d581c3ec230bfdb9c6f03c4d0903a311900c68ca"),
    ("secret_base64_decoded", "9d8220203b4e07571d5adb8abd325fd63c9537b2771436103215a55dc8465736"),
    ("secret_rest_base64_decoded", "ba0820e595cbdba579b5d92b5def6b34d2cf4eff099296ec6d983e99073fafdf"),
    ("secret_empty", "dc0f71923cb15833348ac04a8a2c62afd0146efad8bb1a14c309525148d50eea"),
    ("secret_undefined", "d90a8713d45f79b83246af0ea1853ab276b1831bbbfc38033adcd8bd01eb05f8"),
    ("secret_none", "cd674a21cce2ff2995d10b9ebed34c53788aefbb3278ca660caecf22731359f2"),
    (
        "sha512",
        "29035b280eadba7a9cfeb052a84833d618833fbf04b14a1d3b5f9f2b69963bbaa7f2ac398433a3aebca26a3e9305942d2a16b855377e6d7923d467a40a003904",
    ),
    ("plain_sha256", "963a31093ffb380d1f451e90de24d3a6e82942b5086e0735689b6dc76ab98cab"),
    ("body_sha256", "3c3b763850fcfa1627164fe4296ae8491370e9d496a2d2fd707152b60ecd8164"),
    ("swapped", "24260684eecef00c2383e7b641aff0242c34750c1604f15705bdd0468496c4fc"),
];

#[test]
fn signatures_are_those_that_other_programs_compute() {
    let (secret, body) = (secret(SECRET), BODY.as_bytes());
    for &(name, header) in HEADERS {
        let mistake: Mistake = name.parse().unwrap();
        assert_eq!(mistake.header(&secret, body).as_deref(), Some(header), "{name}");
        let Diagnosis::Known(finding) = diagnose(&secret, body, header, &[]) else { panic!("{name}") };
        assert_eq!(finding.mistakes, [mistake]);
    }
    let absent = Mistake::ALL.iter().filter(|mistake| mistake.header(&secret, body).is_none());
    // The first two are of a body that was changed since, the third of a secret in hex.
    assert_eq!(
        absent.collect::<Vec<_>>(),
        [&Mistake::BodyTrimmed, &Mistake::BodyAsSent, &Mistake::SecretHexDecoded]
    );
    let hex = CallbackSecret::parse("00112233445566778899aabbccddeeff").unwrap();
    let header = "422e72f27bec263119cff58d3a12da3e120bba11a273c443258883c245228b41";
    assert_eq!(Mistake::SecretHexDecoded.header(&hex, body).as_deref(), Some(header));
}

#[test]
fn a_body_that_was_changed_since_is_told_from_the_right_signature() {
    let secret = secret(SECRET);
    let right = sign(&secret, BODY.as_bytes());
    let sorted = Mistake::BodySorted.signed(BODY.as_bytes()).unwrap();
    let indented = Mistake::BodyIndented2.signed(BODY.as_bytes()).unwrap();
    let with_line_end = format!("{BODY}\r\n").into_bytes();
    let marked = format!("\u{feff}{BODY}").into_bytes();
    for (body, mistake, at) in [
        (with_line_end, Mistake::BodyTrimmed, BODY.len()),
        (marked, Mistake::BodyTrimmed, 0),
        (indented, Mistake::BodyAsSent, 1),
        (sorted, Mistake::BodyAsSent, 2),
    ] {
        let Diagnosis::Known(finding) = diagnose(&secret, &body, &right, &[]) else { panic!("{mistake}") };
        assert_eq!(finding.mistakes, [mistake]);
        let signed = finding.signed.unwrap();
        assert_eq!(signed, BODY.as_bytes());
        assert_eq!(first_difference(&signed, &body), Some(at));
    }
    assert_eq!(first_difference(b"", b""), None);
}

#[test]
fn another_secret_is_told_by_its_label_and_with_what_else_is_wrong() {
    let (secret, old, other) =
        (secret(SECRET), secret("another-secret-00"), CallbackSecret::generate([9; 32]));
    let others = [("OLD", &old), ("OTHER", &other)];
    for (header, signed_with, mistakes) in [
        (sign(&old, BODY.as_bytes()), "OLD", vec![]),
        (sign(&other, BODY.as_bytes()), "OTHER", vec![]),
        (
            "908fb86c01c075a337b8c87ce5d466ac214886d3f4477e30520d07775ac70a8c".to_owned(),
            "OLD",
            vec![Mistake::BodySpaced],
        ),
        ("SFXo84rXPjKtrOgCTh0Dltbo2RwKAfp2nlryLanExZY=".to_owned(), "OLD", vec![Mistake::Base64]),
    ] {
        let Diagnosis::Known(finding) = diagnose(&secret, BODY.as_bytes(), &header, &others) else {
            panic!("{header}")
        };
        assert_eq!((finding.signed_with, finding.mistakes), (Some(signed_with), mistakes), "{header}");
    }
}

#[test]
fn two_mistakes_at_once_are_both_told() {
    let (secret, body) = (secret(SECRET), BODY.as_bytes());
    for (first, second) in [
        (Mistake::Base64, Mistake::BodySpaced),
        (Mistake::UpperCase, Mistake::SecretNewline),
        (Mistake::Sha256Prefix, Mistake::BodyEmpty),
        (Mistake::VersionPrefix, Mistake::VersionTimestampBody),
    ] {
        let digest = hex::decode(second.header(&secret, body).unwrap()).unwrap();
        let header = forge::form(first, &digest);
        let Diagnosis::Known(finding) = diagnose(&secret, body, &header, &[]) else { panic!("{header}") };
        assert_eq!(finding.mistakes, [first, second]);
    }
    let digest = Mistake::TimestampDotBody.header(&secret, body).unwrap();
    let stripe = format!("t=1717000000,v1={digest}");
    let Diagnosis::Known(finding) = diagnose(&secret, body, &stripe, &[]) else { panic!("{stripe}") };
    assert_eq!(finding.mistakes, [Mistake::VersionPrefix, Mistake::TimestampDotBody]);
    assert_eq!(finding.shape, None);
}

#[test]
fn the_headers_shape_is_told_without_any_secret() {
    let (secret, body) = (secret(SECRET), BODY.as_bytes());
    let right = sign(&secret, body);
    let foreign = "0".repeat(64);
    for (header, shape) in [
        (String::new(), Some(Shape::Empty)),
        (" \n".to_owned(), Some(Shape::Empty)),
        (right[..63].to_owned(), Some(Shape::CutOff(63))),
        (right[..7].to_owned(), Some(Shape::WrongLength(7))),
        (format!("{right}00"), Some(Shape::WrongLength(66))),
        ("é".repeat(3), Some(Shape::WrongLength(3))),
        ("g".repeat(64), Some(Shape::NotHex)),
        (format!("{foreign},{foreign}"), Some(Shape::SeveralValues)),
        (format!("{foreign}\n"), Some(Shape::SpaceAround)),
        (foreign.clone(), None),
    ] {
        let diagnosis = diagnose(&secret, body, &header, &[]);
        assert_eq!(diagnosis, Diagnosis::Unknown(shape), "{header:?}");
        assert!(shape.is_none_or(|shape| shape.mend().ends_with('.')));
    }
    for (header, shape) in
        [(format!("{right}\n"), Shape::SpaceAround), (format!("{foreign}, {right}"), Shape::SeveralValues)]
    {
        let Diagnosis::Known(finding) = diagnose(&secret, body, &header, &[]) else { panic!("{header}") };
        let expected = Finding { shape: Some(shape), signed_with: None, mistakes: vec![], signed: None };
        assert_eq!(finding, expected);
    }
    assert_eq!(diagnose(&secret, body, &right, &[]), Diagnosis::Right);
}
