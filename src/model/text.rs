//! Text from outside (queue, cloud, operators): made safe to show, and cut where it enters.

use std::borrow::Cow;

use super::Text;

/// The longest name taken from outside, in bytes: of a worker, an owner, a task.
pub const NAME_MAX: usize = 200;
/// The longest sentence taken from outside, in bytes: a reason, a refusal, a source's fault.
pub const SENTENCE_MAX: usize = 1000;

/// `text` as it may be shown to people, in a terminal, a log line or a page: whatever would move the
/// cursor, end the line, hide itself or turn the direction of writing is spelled out as an escape
/// that is also valid in JSON (`\n`, `\u001b`, `\u202e`).
pub fn printable(text: &str) -> Cow<'_, str> {
    spelled_out(text, is_hostile)
}

/// The same for a text of several lines of our own making: its ends of lines and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    spelled_out(text, |letter| !matches!(letter, '\n' | '\t') && is_hostile(letter))
}

fn spelled_out(text: &str, is_hostile: fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            _ if !is_hostile(letter) => shown.push(letter),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    shown.extend([format!("\\u{unit:04x}")]);
                }
            }
        }
    }
    Cow::Owned(shown)
}

/// `text` cut to at most `max` bytes, with `…` where something is missing.
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(max.saturating_sub(MARK.len()));
    let (kept, _) = text.split_at(end);
    Cow::Owned(format!("{kept}{MARK}"))
}

/// A name from outside, as the farm keeps it: printable, and not longer than [`NAME_MAX`].
pub fn name(text: &str) -> Text {
    enter(text, NAME_MAX)
}

/// A sentence from outside, as the farm keeps it: printable, and not longer than [`SENTENCE_MAX`].
pub fn sentence(text: &str) -> Text {
    enter(text, SENTENCE_MAX)
}

/// Cut first: a text of megabytes is not escaped as a whole only to be thrown away.
fn enter(text: &str, max: usize) -> Text {
    cut(&printable(&cut(text, max)), max).into()
}

/// Controls, invisible formatting, and what turns the direction of writing (Unicode Cc and Cf, line
/// and paragraph separators).
fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_the_writing_is_spelled_out() {
        assert_eq!(printable("镜头 12 – ready"), "镜头 12 – ready");
        assert_eq!(printable("a\u{1b}]0;owned\u{7}b"), "a\\u001b]0;owned\\u0007b");
        assert_eq!(printable("one\ntwo\r\tthree"), "one\\ntwo\\r\\tthree");
        assert_eq!(
            printable("exe\u{202e}fdp \u{9b}2J \u{2028}"),
            "exe\\u202efdp \\u009b2J \\u2028"
        );
        assert_eq!(printable("\u{e0041}"), "\\udb40\\udc41", "as JSON spells it");
    }

    #[test]
    fn a_long_text_is_cut_between_letters_and_marked() {
        assert_eq!(cut("渲染农场", 12), "渲染农场");
        assert_eq!(cut("渲染农场", 11), "渲染…");
        assert_eq!(name(&"x".repeat(9000)).len(), NAME_MAX);
        assert_eq!(sentence(&"\u{1b}".repeat(15_000_000)).len(), SENTENCE_MAX);
        assert_eq!(&*sentence("a licence is down"), "a licence is down");
    }
}
