//! What the endpoint check found, finding by finding. Never an attribute's value, and never a secret.

use serde::Serialize;
use utoipa::ToSchema;

macro_rules! checks {
    ($($variant:ident = $name:literal, $title:literal;)*) => {
        /// One thing that is looked at, in the order of the report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Check {
            $(#[doc = $title] $variant,)*
        }

        impl Check {
            /// As it is written everywhere.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What holds where it passes, in a few words.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

checks! {
    Reach = "reach", "reached over HTTPS";
    Certificate = "certificate", "certificate is valid";
    RightSignature = "right_signature", "right signature is taken";
    RawBody = "raw_body", "raw body is what is verified";
    WrongSignature = "wrong_signature", "wrong signature is refused";
    MissingSignature = "missing_signature", "missing signature is refused";
    OtherBody = "other_body", "signature over another body is refused";
    OtherSecret = "other_secret", "signature of another secret is refused";
    OldRequest = "old_request", "request of an hour ago is refused";
    UnknownSession = "unknown_session", "unknown session gets 204";
    Latency = "latency", "answers well within timeoutMs";
    KeepAlive = "keep_alive", "connections are kept open";
    Clock = "clock", "clock is right";
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Pass,
    /// It works, and is worth a look.
    Warn,
    /// To be mended before it is live.
    Fail,
}

impl Verdict {
    /// As it is written everywhere.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was seen, and what to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: Check,
    /// How it came out.
    pub(crate) verdict: Verdict,
    /// What was seen.
    pub(crate) message: String,
    /// What to do; null where there is nothing to do.
    #[schema(required = true)]
    pub(crate) mend: Option<String>,
}

/// All that was found. Where something stands in the way of the rest, the rest is not in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Report {
    /// Nothing failed.
    pub(crate) ok: bool,
    /// In the order in which they were looked at.
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    /// Puts the findings into the order of [`Check`].
    pub(super) fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.check as u8);
        Self { ok: findings.iter().all(|finding| finding.verdict != Verdict::Fail), findings }
    }

    /// How many came out so.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}
