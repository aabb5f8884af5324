//! Secrets for the commands come from environment variables: a command line is read by everybody's `ps`.

use std::env::VarError;

use buddy_core::callback::mistake::Mistake;
use buddy_core::secret::{CallbackSecret, TokenKind};
use zeroize::Zeroizing;

/// Longer names are no names of variables, and may well be what they should not be: the secret itself.
const NAME_CHARS_MAX: usize = 64;

/// A variable's value.
pub(super) struct Found {
    /// The secret, without what does not belong to it.
    pub(super) secret: CallbackSecret,
    /// What is around the secret in the variable.
    pub(super) flaw: Option<Mistake>,
}

/// The secret in a variable, or one sentence that says why there is none.
pub(super) fn read(name: &str) -> Result<CallbackSecret, String> {
    let Found { secret, flaw } = look(name)?;
    flaw.map_or(Ok(secret), |flaw| Err(format!("{name} ({flaw}): {}", flaw.mend())))
}

/// The secret in a variable, and what is wrong around it.
pub(super) fn look(name: &str) -> Result<Found, String> {
    let value = value(name, "the callback secret")?;
    let (text, flaw) = without_flaw(&value);
    match CallbackSecret::parse(text) {
        Ok(secret) => Ok(Found { secret, flaw }),
        Err(bad) => Err(format!("{name}: {bad}.")),
    }
}

/// The text in a variable, which is to be `what` and is not empty.
pub(super) fn value(name: &str, what: &str) -> Result<Zeroizing<String>, String> {
    match given(name)? {
        None => Err(format!("{name}: this variable is not set; it must hold {what}.")),
        Some(value) if value.is_empty() => {
            Err(format!("{name}: this variable is empty; it must hold {what}."))
        }
        Some(value) => Ok(value),
    }
}

/// The text in a variable, if it is set to any.
pub(super) fn given(name: &str) -> Result<Option<Zeroizing<String>>, String> {
    if !is_name(name) {
        return Err("a secret is given by the name of the variable that holds it, and this is no name of one: export it, and give its name.".to_owned());
    }
    #[expect(clippy::disallowed_methods, reason = "the one place where a command reads a secret")]
    match std::env::var(name).map(Zeroizing::new) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name}: must be text in UTF-8.")),
    }
}

/// A name that may be printed.
fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    starts
        && name.bytes().all(letter)
        && name.len() <= NAME_CHARS_MAX
        && ![CallbackSecret::PREFIX, TokenKind::ApiKey.prefix(), TokenKind::Admin.prefix()]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn without_flaw(value: &str) -> (&str, Option<Mistake>) {
    let between = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let flaws = [
        (value.strip_suffix("\r\n"), Mistake::SecretCrlf),
        (value.strip_suffix('\n'), Mistake::SecretNewline),
        (value.strip_suffix(' '), Mistake::SecretSpace),
        (between('"'), Mistake::SecretQuoted),
        (between('\''), Mistake::SecretSingleQuoted),
    ];
    let found = flaws.into_iter().find_map(|(text, flaw)| Some((text?, Some(flaw))));
    found.unwrap_or((value, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_the_secret_itself_is_no_name() {
        assert!(is_name("SHOP_SECRET") && is_name("_a1"));
        for other in ["", "1A", "A-B", "A B", "bcs_4Jt0lYqN7v", "bpk_4Jt0lYqN7v", &"A".repeat(65)] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn what_is_around_a_secret_is_named() {
        for (value, flaw) in [
            ("secret", None),
            ("secret\n", Some(Mistake::SecretNewline)),
            ("secret\r\n", Some(Mistake::SecretCrlf)),
            ("secret ", Some(Mistake::SecretSpace)),
            ("\"secret\"", Some(Mistake::SecretQuoted)),
            ("'secret'", Some(Mistake::SecretSingleQuoted)),
        ] {
            assert_eq!(without_flaw(value), ("secret", flaw));
        }
        assert_eq!(without_flaw("\""), ("\"", None));
    }
}
