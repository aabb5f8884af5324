//! What the look at a deployment found. Never a secret.

use std::fmt::Display;

use serde::Serialize;

macro_rules! checks {
    ($($variant:ident = $name:literal, $title:literal;)*) => {
        /// One thing that is looked at, in the order of the report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Check {
            $(#[doc = $title] $variant,)*
        }

        impl Check {
            /// As it is written everywhere.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

checks! {
    Config = "config", "the settings";
    Disk = "disk", "where the data is kept";
    KeyFiles = "key_files", "the master key and the admin token";
    Database = "database", "the database";
    Port = "port", "the listening address";
    PublicUrl = "public_url", "how browsers reach the server";
    Dns = "dns", "the names of the callbacks' hosts";
    Egress = "egress", "the connections to them";
    Clock = "clock", "this machine's clock";
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, or may soon not; worth a look.
    Warn,
    /// To be mended.
    Fail,
}

impl Verdict {
    /// As it is written everywhere.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was seen, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: Check,
    /// How it came out.
    pub(crate) verdict: Verdict,
    /// What was seen.
    pub(crate) message: String,
    /// What to do; null where there is nothing to do.
    pub(crate) mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: Check, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, message: message.into(), mend: None }
    }

    pub(super) fn warn(check: Check, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, message: message.into(), mend: Some(mend.into()) }
    }

    pub(super) fn fail(check: Check, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fail, message: message.into(), mend: Some(mend.into()) }
    }

    /// What would stop the start, in its words: `what was seen: what to do`.
    pub(super) fn of_refusal(check: Check, refusal: &impl Display) -> Self {
        let text = refusal.to_string();
        let (message, mend) = text.rsplit_once(": ").unwrap_or((&text, "see the server's log"));
        let mut letters = mend.trim_end_matches('.').chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        Self::fail(check, message, format!("{first}{}.", letters.as_str()))
    }
}

/// All that was found. Where something stands in the way of the rest, the rest is not in it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Nothing failed.
    pub(crate) ok: bool,
    /// In the order of [`Check`].
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    pub(super) fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.check as u8);
        Self { ok: findings.iter().all(|finding| finding.verdict != Verdict::Fail), findings }
    }

    /// How many came out so.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}
