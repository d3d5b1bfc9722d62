//! What functions take: no tuples of values that should have names.

use super::{all_rust_files, assert_none};

/// The parameters of every function of a text: (line, what stands between the parentheses).
fn signatures(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("fn ") {
        let is_word = text.get(..at).is_some_and(|before| {
            before.chars().last().is_none_or(|last| !last.is_alphanumeric() && last != '_')
        });
        let name = text.get(at + 3..).unwrap_or_default();
        let Some(open) = is_word.then(|| opening(name)).flatten() else { continue };
        let params = name.get(open + 1..).unwrap_or_default();
        let end = top_level(params).find(|(_, letter, depth)| *depth < 0 && *letter == ')');
        let Some((end, ..)) = end else { continue };
        let line = text.get(..at).unwrap_or_default().lines().count();
        found.extend(params.get(..end).map(|params| (line, params)));
    }
    found
}

/// Where the parameters of the function begin whose name this is; its generics may hold parentheses.
fn opening(name: &str) -> Option<usize> {
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    if end == 0 {
        return None; // a type such as `fn (u8)`
    }
    match name.get(end..)?.chars().next()? {
        '(' => Some(end),
        '<' => {
            let inner = name.get(end + 1..)?;
            let (close, ..) =
                top_level(inner).find(|(_, letter, depth)| *letter == '>' && *depth < 0)?;
            name.get(end + 1 + close..)?.find('(').map(|more| end + 1 + close + more)
        }
        _ => None,
    }
}

/// Each letter with its place, and how many brackets are open after it.
fn top_level(text: &str) -> impl Iterator<Item = (usize, char, i32)> {
    let (mut depth, mut last) = (0, ' ');
    text.char_indices().map(move |(at, letter)| {
        match letter {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '>' if last != '-' && last != '=' => depth -= 1,
            _ => {}
        }
        last = letter;
        (at, letter, depth)
    })
}

fn parameters(params: &str) -> Vec<&str> {
    let commas = top_level(params).filter(|(_, letter, depth)| *letter == ',' && *depth == 0);
    let ends: Vec<usize> = commas.map(|(at, ..)| at).chain([params.len()]).collect();
    let begins = [0].into_iter().chain(ends.iter().map(|end| end + 1));
    begins.zip(&ends).filter_map(|(begin, end)| params.get(begin..*end)).map(str::trim).collect()
}

/// Whether a parameter's type is a tuple, or a reference to one.
fn takes_a_tuple(parameter: &str) -> bool {
    let mut colons = top_level(parameter).filter(|(at, letter, depth)| {
        *letter == ':' && *depth == 0 && parameter.get(at + 1..at + 2) != Some(":")
    });
    let kind = colons.next().and_then(|(at, ..)| parameter.get(at + 1..)).unwrap_or_default();
    let kind = kind.trim().trim_start_matches('&').trim_start_matches("mut ").trim();
    let inner = kind.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inner.is_some_and(|inner| parameters(inner).len() > 1)
}

#[test]
fn no_function_takes_a_tuple() {
    let mut faults = Vec::new();
    for (file, text) in all_rust_files() {
        if file.ends_with("tidy/signatures.rs") {
            continue;
        }
        for (line, params) in signatures(&text) {
            for parameter in parameters(params).into_iter().filter(|one| takes_a_tuple(one)) {
                faults.push(format!("{file}:{line}: {parameter}"));
            }
        }
    }
    assert_none(&faults, "values that belong together have a struct, and its fields names");
}

#[test]
fn a_tuple_is_found_wherever_it_stands() {
    let tuples = |text: &str| {
        let all = signatures(text).into_iter().flat_map(|(_, params)| parameters(params));
        all.filter(|one| takes_a_tuple(one)).count()
    };
    for taken in [
        "fn a((x, y): (u8, u8)) {}",
        "fn a(pair: &(u8, Vec<u8>), b: u8) {}",
        "fn a<F: Fn((u8, u8)) -> u8>(f: F, pair: &mut (u8, u8)) {}",
    ] {
        assert_eq!(tuples(taken), 1, "{taken}");
    }
    for named in [
        "fn a(x: u8, list: &[(u8, u8)], of: Option<(u8, u8)>) {}",
        "fn a(error: &(dyn Error + 'static), f: impl Fn((u8, u8)) -> u8) {}",
        "fn a(Pair { x, y }: Pair) {}",
    ] {
        assert_eq!(tuples(named), 0, "{named}");
    }
}
