//! The page's colours, reckoned: text on what it stands on, and areas beside each other (WCAG 2.2).

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::BTreeMap;

/// The colours of the first or the second theme (light, dark) by name.
fn theme(number: usize) -> BTreeMap<String, f64> {
    let root = env!("CARGO_MANIFEST_DIR");
    let css = std::fs::read_to_string(format!("{root}/src/page/assets/style.css")).unwrap();
    let block = css.split(":root {").nth(number + 1).unwrap().split('}').next().unwrap();
    let pairs =
        block.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
    pairs.map(|(name, hex)| (name.to_owned(), luminance(hex))).collect()
}

fn luminance(hex: &str) -> f64 {
    let part = |place: usize| {
        let value = u8::from_str_radix(hex.get(place..place + 2).unwrap(), 16).unwrap();
        let share = f64::from(value) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_and_neighbouring_areas_can_be_told_apart_in_both_themes() {
    let mut faults = Vec::new();
    for number in [0, 1] {
        let colours = theme(number);
        let mut check = |one: &str, other: &str, least: f64| {
            let ratio = contrast(colours[one], colours[other]);
            if ratio < least {
                faults.push(format!("theme {number}: {one} on {other} is {ratio:.2}:1"));
            }
        };
        for text in ["ink", "soft", "bad"] {
            check(text, "card", 4.5);
            check(text, "paper", 4.5);
        }
        for (lower, upper) in [("ready", "coming"), ("coming", "going"), ("going", "stopped")] {
            check(lower, upper, 3.0);
        }
        for line in ["edge", "queue", "accent"] {
            check(line, "card", 3.0);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
