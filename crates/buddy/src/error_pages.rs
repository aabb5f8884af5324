//! The docs' page of each code, for `/e/<CODE>` and for `buddy explain`.

use buddy_core::reason::{Code, Reason};

/// The page's Markdown.
pub(crate) fn markdown(code: Code) -> &'static str {
    match code {
        Code::Timeout => include_str!("../../../docs/errors/AUTH_CALLBACK_TIMEOUT.md"),
        Code::Failed => include_str!("../../../docs/errors/AUTH_CALLBACK_FAILED.md"),
        Code::BadResponse => include_str!("../../../docs/errors/AUTH_CALLBACK_BAD_RESPONSE.md"),
        Code::NotConfigured => include_str!("../../../docs/errors/AUTH_NOT_CONFIGURED.md"),
    }
}

/// What the page says before its sections: what happened and what the visitor saw.
pub(crate) fn head(code: Code) -> &'static str {
    let page = markdown(code);
    page.find("\n## ").map_or(page, |end| &page[..end])
}

/// The reason's section, its heading included.
pub(crate) fn section(reason: Reason) -> &'static str {
    let page = markdown(reason.code());
    let heading = format!("\n### `{reason}`\n");
    let Some(start) = page.find(&heading) else { return "" };
    let section = &page[start + 1..];
    let end = ["\n### ", "\n## "].into_iter().filter_map(|next| section.find(next)).min();
    end.map_or(section, |end| &section[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_section_on_its_codes_page() {
        for &reason in Reason::ALL {
            let section = section(reason);
            assert!(section.starts_with(&format!("### `{reason}`\n\n")), "{} lacks {reason}", reason.code());
            assert_eq!(section.matches("\n### ").count(), 0, "{reason}");
        }
    }

    #[test]
    fn every_page_begins_with_what_happened_and_what_the_visitor_saw() {
        for code in Code::ALL {
            let head = head(code);
            assert!(head.starts_with(&format!("# {code}\n\n")), "{head}");
            assert!(head.contains("**What the visitor saw:** ") && !head.contains("\n## "), "{head}");
        }
    }
}
