//! From a signature that was presented to the mistake that made it.

use std::fmt;

use super::forge::{digest, from_base64, key};
use super::{Mistake, Part};
use crate::callback::signature::sign;
use crate::secret::CallbackSecret;

/// SHA-256 in hex.
const SIGNATURE_CHARS: usize = 64;

/// What a presented signature is worth, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnosis<'a> {
    /// The signature of this body under this secret.
    Right,
    /// Wrong, and this is why.
    Known(Finding<'a>),
    /// Wrong, and nothing known leads to it; the header's shape may say something still.
    Unknown(Option<Shape>),
}

/// Why a signature is wrong. At least one of its parts says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// What is wrong with the header as a text.
    pub shape: Option<Shape>,
    /// The label of the other secret that signed.
    pub signed_with: Option<&'a str>,
    /// What was done wrong, one of each [`Part`] at most.
    pub mistakes: Vec<Mistake>,
    /// The bytes that were signed, if they are not the body.
    pub signed: Option<Vec<u8>>,
}

/// What is wrong with a header's text, whatever the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Nothing is there.
    Empty,
    /// White space or a line end around it.
    SpaceAround,
    /// Several values with commas between.
    SeveralValues,
    /// The beginning of the right signature, and no more; so many characters.
    CutOff(usize),
    /// Not 64 characters but so many.
    WrongLength(usize),
    /// 64 characters, and one is not of `0-9a-f`.
    NotHex,
}

impl Shape {
    /// The finding as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty_header",
            Self::SpaceAround => "space_around",
            Self::SeveralValues => "several_values",
            Self::CutOff(_) => "cut_off",
            Self::WrongLength(_) => "wrong_length",
            Self::NotHex => "not_hex",
        }
    }

    /// One sentence: what is wrong and what to do.
    pub fn mend(self) -> String {
        match self {
            Self::Empty => "There is no signature: take the value of the header X-Platform-Signature.".to_owned(),
            Self::SpaceAround => "The signature has white space around it: take the header's value alone.".to_owned(),
            Self::SeveralValues => {
                "The header has several values: Buddy sends one, so look for a proxy that adds or joins headers.".to_owned()
            }
            Self::CutOff(length) => format!(
                "The signature is cut off after {length} of {SIGNATURE_CHARS} characters, and right so far: take all of it."
            ),
            Self::WrongLength(length) => {
                format!("The signature has {length} characters: it must be {SIGNATURE_CHARS}, lower-case hex and nothing else.")
            }
            Self::NotHex => "The signature is not lower-case hex: it must be of 0-9 and a-f alone.".to_owned(),
        }
    }

    fn of(presented: &str) -> Option<Self> {
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match presented {
            _ if presented.trim().is_empty() => Some(Self::Empty),
            _ if presented.trim() != presented => Some(Self::SpaceAround),
            // Stripe's form is one value, of a time and a signature.
            _ if presented.contains(',') && !presented.starts_with("t=") => Some(Self::SeveralValues),
            _ if presented.len() != SIGNATURE_CHARS => Some(Self::WrongLength(presented.chars().count())),
            _ if !presented.bytes().all(lower_hex) => Some(Self::NotHex),
            _ => None,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Says whether a presented signature is that of a body under a secret, and if not, which mistake leads to it.
///
/// `others` are more secrets that may have signed, by labels of the caller's. Of several explanations the one of the fewest
/// mistakes is given. Not in constant time: whoever asks has the secret already.
pub fn diagnose<'a>(
    secret: &CallbackSecret,
    body: &[u8],
    presented: &str,
    others: &[(&'a str, &CallbackSecret)],
) -> Diagnosis<'a> {
    let right = sign(secret, body);
    if presented == right {
        return Diagnosis::Right;
    }
    let shape = Shape::of(presented);
    let clean = presented.trim();
    let forms: Vec<_> = clean.split(',').flat_map(|value| read(value.trim())).collect();
    let secrets =
        || std::iter::once((None, secret)).chain(others.iter().map(|&(label, other)| (Some(label), other)));
    for mistakes in 0..=MISTAKES_MAX {
        let ways: Vec<_> =
            secrets().flat_map(|(label, secret)| ways(mistakes, label, secret, body)).collect();
        let found = forms.iter().flat_map(|form| {
            let fits = ways.iter().filter(|way| way.digest == form.digest);
            fits.map(|way| way.finding(&form.mistakes, shape, body))
        });
        if let Some(finding) = found.min_by_key(Finding::weight) {
            return Diagnosis::Known(finding);
        }
    }
    let cut_off = clean.len() >= CUT_OFF_CHARS_MIN && right.starts_with(clean);
    Diagnosis::Unknown(if cut_off { Some(Shape::CutOff(clean.len())) } else { shape })
}

/// Of body, key and function; three wrong at once are not one mistake more but another protocol.
const MISTAKES_MAX: usize = 2;
/// Fewer than these could be the beginning by chance.
const CUT_OFF_CHARS_MIN: usize = 8;

/// One way to compute a signature, and what comes of it.
struct Way<'a> {
    label: Option<&'a str>,
    mistakes: Vec<Mistake>,
    digest: Vec<u8>,
}

impl<'a> Way<'a> {
    fn finding(&self, form: &[Mistake], shape: Option<Shape>, body: &[u8]) -> Finding<'a> {
        // A known form says more than that the text is not 64 digits of hex.
        let of_form = |shape: &Shape| matches!(shape, Shape::WrongLength(_) | Shape::NotHex);
        Finding {
            shape: shape.filter(|shape| !of_form(shape)),
            signed_with: self.label,
            mistakes: [form, &self.mistakes].concat(),
            signed: self.mistakes.iter().find_map(|mistake| mistake.signed(body)),
        }
    }
}

impl Finding<'_> {
    fn weight(&self) -> usize {
        self.mistakes.len() + usize::from(self.signed_with.is_some()) + usize::from(self.shape.is_some())
    }
}

/// What every so many mistakes of body, key and function come to.
fn ways<'a>(count: usize, label: Option<&'a str>, secret: &CallbackSecret, body: &[u8]) -> Vec<Way<'a>> {
    let none_or_of = |part| {
        let of = Mistake::ALL.iter().copied().filter(move |mistake| mistake.part() == part);
        std::iter::once(None).chain(of.map(Some))
    };
    let messages: Vec<_> = none_or_of(Part::Body)
        .filter_map(|mistake| {
            Some((mistake, mistake.map_or_else(|| Some(body.to_vec()), |known| known.signed(body))?))
        })
        .collect();
    let keys = none_or_of(Part::Key).filter_map(|mistake| Some((mistake, key(mistake, secret)?)));
    let mut ways = Vec::new();
    for (key_mistake, key) in keys {
        for (body_mistake, message) in &messages {
            for function in none_or_of(Part::Function) {
                let mistakes: Vec<_> = [*body_mistake, key_mistake, function].into_iter().flatten().collect();
                if mistakes.len() == count {
                    ways.push(Way { label, mistakes, digest: digest(function, &key, message) });
                }
            }
        }
    }
    ways
}

/// A header's text as the bytes it may stand for.
struct Form {
    mistakes: Vec<Mistake>,
    digest: Vec<u8>,
}

fn read(text: &str) -> Vec<Form> {
    let prefixes = [
        ("sha256=", Mistake::Sha256Prefix),
        ("v1=", Mistake::VersionPrefix),
        ("v0=", Mistake::VersionPrefix),
    ];
    let prefixed =
        prefixes.into_iter().find_map(|(prefix, mistake)| Some((mistake, text.strip_prefix(prefix)?)));
    let (prefix, text) = prefixed.map_or((None, text), |(mistake, rest)| (Some(mistake), rest));
    let mut forms = Vec::new();
    let mut add = |mistake: Option<Mistake>, digest: Vec<u8>| {
        forms.push(Form { mistakes: prefix.into_iter().chain(mistake).collect(), digest });
    };
    if let Ok(digest) = hex::decode(text) {
        let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        add(upper.then_some(Mistake::UpperCase), digest);
    }
    if let Some(bytes) = from_base64(text) {
        if let Ok(digest) = hex::decode(&bytes) {
            add(Some(Mistake::Base64OfHex), digest);
        }
        let of_url = text.contains(['-', '_']) || !(text.ends_with('=') || text.contains(['+', '/']));
        add(Some(if of_url { Mistake::Base64Url } else { Mistake::Base64 }), bytes);
    }
    forms
}

/// Where two texts of bytes begin to differ.
pub fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let common = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    (common < one.len().max(other.len())).then_some(common)
}
