//! A page of the docs as text for a terminal.

use std::fmt::Write as _;

use buddy_core::reason::Code;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// As wide as the help is at most.
const WIDTH: usize = 100;
const CODE_INDENT: &str = "    ";

/// The page without its Markdown: lines of bounded width, links as their text or as the command that leads there.
pub(super) fn in_terminal(markdown: &str) -> String {
    let mut page = Page::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    page.text.trim_end().to_owned()
}

#[derive(Default)]
struct Page {
    text: String,
    /// Of the paragraph, item or cell that is being read.
    line: String,
    /// The number of the item, where there is a list.
    number: Option<u64>,
    in_item: bool,
    /// What follows a link's text.
    after_link: String,
    table: Vec<Vec<String>>,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) => self.line.push_str(&text),
            Event::Code(code) => self.line.extend(["`", &code, "`"]),
            Event::SoftBreak | Event::HardBreak => self.line.push(' '),
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::List(first) => self.number = *first,
            Tag::Item => self.in_item = true,
            Tag::Link { dest_url, .. } => self.after_link = destination(dest_url),
            Tag::TableHead | Tag::TableRow => self.table.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let line = std::mem::take(&mut self.line);
                let sign = if level as usize == 1 { "=" } else { "-" };
                let rule = sign.repeat(line.chars().count());
                self.text.extend([&line, "\n", &rule, "\n\n"]);
            }
            TagEnd::Paragraph if !self.in_item => self.paragraph("", "\n"),
            TagEnd::Item => {
                let label = self.number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
                self.number = self.number.map(|number| number + 1);
                self.paragraph(&label, "");
                self.in_item = false;
            }
            TagEnd::List(_) => self.text.push('\n'),
            TagEnd::CodeBlock => {
                let code = std::mem::take(&mut self.line);
                for line in code.lines() {
                    let indent = if line.is_empty() { "" } else { CODE_INDENT };
                    self.text.extend([indent, line, "\n"]);
                }
                self.text.push('\n');
            }
            TagEnd::Link => self.line.push_str(&std::mem::take(&mut self.after_link)),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                self.table.last_mut().expect("a cell is in a row").push(cell);
            }
            TagEnd::Table => self.table(),
            _ => {}
        }
    }

    fn paragraph(&mut self, label: &str, after: &str) {
        let line = std::mem::take(&mut self.line);
        self.text.push_str(&wrapped(&line, label, WIDTH));
        self.text.push_str(after);
    }

    /// In columns, the last one wrapped.
    fn table(&mut self) {
        let rows = std::mem::take(&mut self.table);
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<_> = (0..columns.saturating_sub(1)).filter_map(width).collect();
        for row in rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())) {
            let mut label = String::from("  ");
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(label, "{cell:width$}  ");
            }
            let last = row.last().map_or("", String::as_str);
            self.text.push_str(&wrapped(last, &label, WIDTH));
        }
        self.text.push('\n');
    }
}

/// What is said after a link's text: the command that shows another page, or an address of the web.
fn destination(url: &str) -> String {
    let code = url.strip_suffix(".md").and_then(|name| name.parse::<Code>().ok());
    match code {
        Some(code) => format!(" (`buddy explain {code}`)"),
        None if url.starts_with("https://") => format!(" ({url})"),
        None => String::new(),
    }
}

/// Words on lines of bounded width, the first after a label, the others below its end.
fn wrapped(text: &str, label: &str, width: usize) -> String {
    let indent = label.chars().count();
    let mut lines = String::from(label);
    let mut column = indent;
    for (index, word) in words(text).enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            lines.extend(["\n", &" ".repeat(indent)]);
            column = indent;
        } else if index > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines.push('\n');
    lines
}

/// Code stays in one piece, to be copied.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    let words = text.split(move |letter: char| {
        in_code ^= letter == '`';
        letter.is_whitespace() && !in_code
    });
    words.filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_text_with_its_tables_in_columns_and_its_links_as_commands() {
        let markdown = "# A `title`\n\n**Bold** and\n[a page](AUTH_CALLBACK_TIMEOUT.md), [a file](../../spec/callback.md), [the web](https://www.w3.org/).\n\n    two\n\n    lines\n\n1. **One**: x\n   y\n2. Two\n\n- a\n\n| | mend |\n|---|---|\n| Go | `a \\| b` |\n| Express | c |\n";
        let expected = "A `title`\n=========\n\nBold and a page (`buddy explain AUTH_CALLBACK_TIMEOUT`), a file, the web (https://www.w3.org/).\n\n    two\n\n    lines\n\n1. One: x y\n2. Two\n\n- a\n\n           mend\n  Go       `a | b`\n  Express  c";
        assert_eq!(in_terminal(markdown), expected);
    }

    #[test]
    fn lines_end_between_words_and_never_in_code() {
        assert_eq!(wrapped("one two three", "1. ", 10), "1. one two\n   three\n");
        assert_eq!(wrapped("a `long piece of code` b", "", 10), "a\n`long piece of code`\nb\n");
        assert_eq!(wrapped("", "- ", 10), "- \n");
    }
}
