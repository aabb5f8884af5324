//! A second reader of JSON (RFC 8259), written for the checks alone: it shares no code with the one that is checked.

/// The contract's nesting, the outermost value being 1.
const DEPTH_MAX: usize = 32;

/// Why a text has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Not JSON.
    Syntax,
    /// Too deep to be read on; what follows is unknown.
    Deep,
}

/// A value, and what is wrong with it though it is JSON.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) value: Value<'a>,
    /// An object somewhere in it has a name twice.
    pub(crate) twice: bool,
    /// A string somewhere in it has half a surrogate pair.
    pub(crate) half_pair: bool,
}

/// A value with the text that spelled it.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub(crate) raw: &'a str,
    pub(crate) kind: Kind<'a>,
}

#[derive(Debug)]
pub(crate) enum Kind<'a> {
    Object(Vec<(String, Value<'a>)>),
    Text(String),
    /// An array, a number, `true`, `false` or `null`.
    Other,
}

impl<'a> Value<'a> {
    /// The last member of that name, as most readers have it; none of what is no object.
    pub(crate) fn member(&self, name: &str) -> Option<&Value<'a>> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().rev().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    pub(crate) fn is_null(&self) -> bool {
        self.raw == "null"
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.kind, Kind::Object(_))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<Document<'_>, Broken> {
    let mut reader = Reader { text, at: 0, twice: false, half_pair: false };
    reader.skip_space();
    let value = reader.value(1)?;
    reader.skip_space();
    if reader.at != text.len() {
        return Err(Broken::Syntax);
    }
    Ok(Document { value, twice: reader.twice, half_pair: reader.half_pair })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    twice: bool,
    half_pair: bool,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        if self.eat(byte) { Ok(()) } else { Err(Broken::Syntax) }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Broken> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{' | b'[') if depth > DEPTH_MAX => return Err(Broken::Deep),
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Kind::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Value { raw: &self.text[start..self.at], kind })
    }

    fn object(&mut self, depth: usize) -> Result<Kind<'a>, Broken> {
        let mut members: Vec<(String, Value<'a>)> = Vec::new();
        self.expect(b'{')?;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Kind::Object(members));
        }
        loop {
            let name = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.skip_space();
            if !self.eat(b',') {
                break;
            }
            self.skip_space();
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        self.twice |= names.windows(2).any(|pair| pair[0] == pair[1]);
        self.expect(b'}')?;
        Ok(Kind::Object(members))
    }

    fn array(&mut self, depth: usize) -> Result<Kind<'a>, Broken> {
        self.expect(b'[')?;
        self.skip_space();
        if self.eat(b']') {
            return Ok(Kind::Other);
        }
        loop {
            self.value(depth + 1)?;
            self.skip_space();
            if !self.eat(b',') {
                break;
            }
            self.skip_space();
        }
        self.expect(b']')?;
        Ok(Kind::Other)
    }

    fn string(&mut self) -> Result<String, Broken> {
        self.expect(b'"')?;
        let mut decoded = String::new();
        loop {
            let next = self.text[self.at..].chars().next().ok_or(Broken::Syntax)?;
            self.at += next.len_utf8();
            match next {
                '"' => return Ok(decoded),
                '\\' => decoded.push(self.escape()?),
                '\0'..='\u{1f}' => return Err(Broken::Syntax),
                _ => decoded.push(next),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let escape = self.peek().ok_or(Broken::Syntax)?;
        self.at += 1;
        Ok(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(Broken::Syntax),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, Broken> {
        let mut units = vec![self.four_digits()?];
        let leads = (0xd800..0xdc00).contains(&units[0]);
        if leads && self.text[self.at..].starts_with("\\u") {
            let after_the_first = self.at;
            self.at += 2;
            units.push(self.four_digits()?);
            if !(0xdc00..0xe000).contains(&units[1]) {
                self.at = after_the_first;
                units.pop();
            }
        }
        Ok(char::decode_utf16(units).next().and_then(Result::ok).unwrap_or_else(|| {
            self.half_pair = true;
            char::REPLACEMENT_CHARACTER
        }))
    }

    fn four_digits(&mut self) -> Result<u16, Broken> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Broken::Syntax)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Broken::Syntax);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| Broken::Syntax)
    }

    fn number(&mut self) -> Result<Kind<'a>, Broken> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(Kind::Other)
    }

    /// At least one.
    fn digits(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Broken::Syntax) }
    }

    fn word(&mut self) -> Result<Kind<'a>, Broken> {
        let rest = &self.text[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word));
        self.at += word.ok_or(Broken::Syntax)?.len();
        Ok(Kind::Other)
    }
}
