//! The report as JUnit XML, which every CI shows.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::check::{Finding, Report, Verdict};

/// One suite; each finding is a test case, and a warning passes with a word on its output.
pub(super) fn xml(url: &str, report: &Report) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let tests = report.findings.len().to_string();
    let failures = report.count(Verdict::Fail).to_string();
    writer
        .create_element("testsuite")
        .with_attribute(("name", format!("buddy check {url}").as_str()))
        .with_attribute(("tests", tests.as_str()))
        .with_attribute(("failures", failures.as_str()))
        .with_attribute(("errors", "0"))
        .write_inner_content(|writer| report.findings.iter().try_for_each(|finding| case(writer, finding)))?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn case(writer: &mut Writer<Vec<u8>>, finding: &Finding) -> io::Result<()> {
    let Finding { check, verdict, message, mend } = finding;
    let element = writer
        .create_element("testcase")
        .with_attribute(("classname", "buddy.check"))
        .with_attribute(("name", format!("{}: {}", check.as_str(), check.title()).as_str()));
    let mend = mend.as_deref().unwrap_or_default();
    match verdict {
        Verdict::Pass => element.write_empty()?,
        Verdict::Warn => element.write_inner_content(|writer| {
            let text = format!("warning: {message}\n{mend}");
            writer.create_element("system-out").write_text_content(BytesText::new(&text))?;
            Ok(())
        })?,
        Verdict::Fail => element.write_inner_content(|writer| {
            let failure = writer.create_element("failure").with_attribute(("message", message.as_str()));
            failure.write_text_content(BytesText::new(mend))?;
            Ok(())
        })?,
    };
    Ok(())
}
