//! The mailbox as a page. A mail's HTML is shown in a frame that may neither run scripts nor reach
//! this page; its links open in a tab of their own.

use http::{HeaderValue, StatusCode, header};

use super::Received;
use crate::http_types::{Response, respond};
use crate::xml::escape_xml;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Mailbox</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
details { border-top: 1px solid #8886; padding: .5rem 0 }
summary { cursor: pointer }
summary small { opacity: .7 }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
iframe { width: 100%; height: 24rem; border: 1px solid #8886; background: #fff }
</style>
<h1>Mailbox</h1>
"#;

/// Reloads when a mail has come, and only then, so that nobody is interrupted in reading.
const TAIL: &str = r#"<script>
const newest = document.querySelector("details")?.id ?? "";
setInterval(async () => {
  const mails = await (await fetch("mail?limit=1")).json();
  if (String(mails[0]?.id ?? "") !== newest) location.reload();
}, 2000);
</script>
</html>
"#;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:";

pub(super) fn render(mails: &[Received]) -> Response {
    let mut page = HEAD.to_owned();
    if mails.is_empty() {
        page.push_str("<p>No mail yet.</p>\n");
    }
    for (index, mail) in mails.iter().enumerate() {
        page.push_str(&render_mail(mail, index == 0));
    }
    page.push_str(TAIL);
    let mut response = respond(StatusCode::OK, "text/html; charset=utf-8", page);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn render_mail(mail: &Received, open: bool) -> String {
    let parts = [
        mail.html.as_deref().map(frame).unwrap_or_default(),
        mail.text
            .as_deref()
            .map(|text| format!("<pre>{}</pre>\n", with_links(text)))
            .unwrap_or_default(),
    ];
    format!(
        "<details id=\"{}\"{}><summary><strong>{}</strong><br><small>{} to {}, {}</small></summary>\n{}</details>\n",
        mail.id,
        if open { " open" } else { "" },
        escape_xml(&mail.subject),
        escape_xml(&mail.from),
        escape_xml(&mail.to),
        escape_xml(&mail.sent_at),
        parts.concat(),
    )
}

fn frame(html: &str) -> String {
    let document = escape_xml(&format!("<base target=\"_blank\">{html}"));
    format!(
        "<iframe title=\"HTML\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" \
         srcdoc=\"{document}\"></iframe>\n"
    )
}

/// Escapes a text and makes the web addresses in it links.
fn with_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = ["http://", "https://"]
        .iter()
        .filter_map(|scheme| rest.find(scheme))
        .min()
    {
        let (before, from) = rest.split_at(start);
        let ends = |c: char| c.is_whitespace() || "<>\"".contains(c);
        let address = &from[..from.find(ends).unwrap_or(from.len())];
        // A full stop or bracket after an address belongs to the sentence.
        let address = address.trim_end_matches(['.', ',', ')', ';']);
        let shown = escape_xml(address);
        out.push_str(&escape_xml(before));
        out.extend([
            "<a href=\"",
            &shown,
            "\" target=\"_blank\" rel=\"noreferrer\">",
            &shown,
            "</a>",
        ]);
        rest = &from[address.len()..];
    }
    out + &escape_xml(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links_and_nothing_else_becomes_markup() {
        assert_eq!(
            with_links("See <b> http://h/a?x=1&y=2. End"),
            "See &lt;b&gt; <a href=\"http://h/a?x=1&amp;y=2\" target=\"_blank\" rel=\"noreferrer\">\
             http://h/a?x=1&amp;y=2</a>. End"
        );
        assert_eq!(
            with_links("https:// and \"http"),
            "<a href=\"https://\" target=\"_blank\" \
             rel=\"noreferrer\">https://</a> and &quot;http"
        );
    }

    #[test]
    fn a_mails_html_cannot_leave_its_frame() {
        let html = frame("\"><script>alert(1)</script>");
        assert!(!html.contains("<script>") && html.contains("&quot;&gt;&lt;script&gt;"));
    }
}
