//! `/e/<CODE>`: the docs' page of each code, so that a link in a log or an answer leads somewhere.

use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use buddy_core::reason::Code;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::json::Ids;
use super::problem::Problem;
use crate::error_pages::markdown;

/// The page needs its own style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.55 system-ui,sans-serif;color-scheme:light dark}\
code,pre{font-family:ui-monospace,monospace;font-size:.92em}pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:.4rem}\
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #8886;padding:.3rem .6rem;text-align:left;vertical-align:top}\
td:first-child{white-space:nowrap}td+td{overflow-wrap:anywhere}";

pub(super) async fn error_page(Ids(code): Ids<String>) -> Response {
    let Ok(code) = code.parse::<Code>() else {
        return Problem::not_found("code").into_response();
    };
    let body = in_html(code);
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{code} · Buddy</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

fn in_html(code: Code) -> String {
    let mut body = String::new();
    html::push_html(&mut body, served(Parser::new_ext(markdown(code), Options::ENABLE_TABLES)));
    body
}

/// A link to another code's page leads to where that is served; one to another file of the docs is its text here.
fn served<'a>(page: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut in_dropped_link = false;
    page.filter_map(move |event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let code = dest_url.strip_suffix(".md").and_then(|name| name.parse::<Code>().ok());
            let dest_url = match code {
                Some(code) => CowStr::from(format!("/e/{code}")),
                None if dest_url.starts_with("https://") => dest_url,
                None => {
                    in_dropped_link = true;
                    return None;
                }
            };
            Some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        // Links do not nest, so the next end is this one's.
        Event::End(TagEnd::Link) if std::mem::take(&mut in_dropped_link) => None,
        other => Some(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_a_page_is_one_on_the_server() {
        for code in Code::ALL {
            let (page, html) = (markdown(code), in_html(code));
            let headings = page.lines().filter(|line| line.starts_with("|---")).count();
            assert_eq!(html.matches("<table>").count(), headings, "{code}");
            let rows = page.lines().filter(|line| line.starts_with("| ")).count();
            assert_eq!(html.matches("<tr>").count(), rows, "{code}");
            let cells = html.matches("<td>").count() + html.matches("<th>").count();
            assert_eq!(cells, 2 * rows, "{code}: no cell has a sign in it that ends it");
        }
    }

    #[test]
    fn a_pages_links_lead_somewhere_on_the_server() {
        let text = "[a](AUTH_CALLBACK_TIMEOUT.md) [b](../../spec/callback.md) [c](https://www.w3.org/)";
        let mut html = String::new();
        html::push_html(&mut html, served(Parser::new(text)));
        let expected = r#"<a href="/e/AUTH_CALLBACK_TIMEOUT">a</a> b <a href="https://www.w3.org/">c</a>"#;
        assert_eq!(html.trim(), format!("<p>{expected}</p>"));
    }
}
