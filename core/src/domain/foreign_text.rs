//! What somebody else wrote, such as the name of a file, where we repeat it: as data, cut, and without
//! anything that acts on the text around it.

/// Separates letters for programs and not for people, so that mail clients make no link of a name.
const WORD_JOINER: char = '\u{2060}';

/// Whether a character shows nothing of its own but changes what stands around it: controls, marks of
/// direction such as U+202E, joiners, tags (Unicode's categories Cc, Cf, Zl and Zp).
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Its first characters, without what is invisible.
#[must_use]
pub fn shortened(text: &str, max_chars: usize) -> String {
    let mut visible = text.chars().filter(|c| !is_invisible(*c));
    let mut kept: String = visible.by_ref().take(max_chars).collect();
    if visible.next().is_some() {
        kept.push('…');
    }
    kept
}

/// In quotation marks, of which it has none itself.
#[must_use]
pub fn quoted(text: &str, max_chars: usize) -> String {
    let inner = shortened(text, max_chars).replace(['"', '“', '”', '„', '‟', '″'], "'");
    format!("\"{inner}\"")
}

/// With no name of a host in it that a mail client would make a link of.
#[must_use]
pub fn without_links(text: &str) -> String {
    let mut unlinked = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        unlinked.push(c);
        let joins = matches!(c, '.' | '@' | ':' | '。' | '．' | '｡');
        if joins && rest.peek().is_some_and(|next| !next.is_whitespace()) {
            unlinked.push(WORD_JOINER);
        }
    }
    unlinked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_text_around_or_hides_in_it_is_taken_out() {
        let given = "gpj\u{202e}4pm.\u{0}\u{7}\r\n\u{2066}a\u{200b}b\u{e0041}c\u{feff}";
        assert_eq!(shortened(given, 100), "gpj4pm.abc");
        assert_eq!(shortened("férias 🎉", 100), "férias 🎉");
    }

    #[test]
    fn a_name_is_cut_and_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\" is ready. \"b", 100), "\"a' is ready. 'b\"");
        assert_eq!(
            quoted(&"é".repeat(61), 60),
            format!("\"{}…\"", "é".repeat(60))
        );
    }

    #[test]
    fn no_host_is_left_in_a_name() {
        let unlinked = without_links("go to www.evil.example or a@evil.example");
        assert_eq!(unlinked.matches(".\u{2060}").count(), 3);
        assert!(!unlinked.contains("evil.example") && !unlinked.contains("a@evil"));
        let sentence = "It is damaged: too short. Send it again.";
        assert_eq!(without_links(sentence), sentence);
    }
}
