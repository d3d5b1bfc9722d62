//! Files that import each other in a loop: there are none. A module and those in its own folder count as
//! one: the folder's file names what it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{assert_none, code, rust_files};

/// A module, as the names that lead to it.
type Path = Vec<String>;

/// Where a name of some module comes from: a module, and the names below it.
type Origin = (Path, Vec<String>);

#[derive(Default)]
struct House {
    modules: BTreeSet<Path>,
    /// Names a module hands on (`pub use`), and where they come from.
    handed_on: BTreeMap<Path, BTreeMap<String, Origin>>,
    /// Names a module uses.
    used: BTreeMap<Path, Vec<Origin>>,
}

impl House {
    fn read() -> Self {
        let sources: Vec<(Path, String)> = rust_files("src")
            .into_iter()
            .filter(|(file, _)| file != "src/main.rs")
            .map(|(file, text)| (module_of(&file), plain(&text)))
            .collect();
        let modules = sources.iter().map(|(module, _)| module.clone()).collect();
        let mut house = Self { modules, ..Self::default() };
        for (module, text) in &sources {
            house.take_in(module, text);
        }
        house
    }

    fn take_in(&mut self, module: &Path, text: &str) {
        let mut rest = String::new();
        for statement in text.split_inclusive(';') {
            let Some((before, tree)) = use_of(statement) else {
                rest.push_str(statement);
                continue;
            };
            let is_public = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
            for path in expanded("", tree) {
                let Some(origin) = self.origin(module, &path) else { continue };
                if is_public && let Some(name) = path.rsplit("::").next() {
                    let handed_on = self.handed_on.entry(module.clone()).or_default();
                    handed_on.insert(name.to_owned(), origin);
                } else {
                    self.used.entry(module.clone()).or_default().push(origin);
                }
            }
        }
        for path in paths_in(&rest) {
            if let Some(origin) = self.origin(module, path) {
                self.used.entry(module.clone()).or_default().push(origin);
            }
        }
    }

    /// A path as seen from a module; `None` = it leads out of the house.
    fn origin(&self, module: &Path, path: &str) -> Option<Origin> {
        let mut names: Vec<String> = path.split("::").map(|name| name.trim().to_owned()).collect();
        let mut from = module.clone();
        match names.first()?.as_str() {
            "crate" => from.clear(),
            "self" => {}
            "super" => {
                while names.first().is_some_and(|name| name == "super") {
                    from.pop();
                    names.remove(0);
                }
                return Some((from, names));
            }
            first => {
                let below: Path = from.iter().cloned().chain([first.to_owned()]).collect();
                return self.modules.contains(&below).then_some((from, names));
            }
        }
        names.remove(0);
        Some((from, names))
    }

    /// The module that defines what is named, through all that hand it on.
    fn home(&self, (mut from, mut names): Origin) -> Path {
        for _ in 0..16 {
            while let Some(first) = names.first() {
                let below: Path = from.iter().cloned().chain([first.clone()]).collect();
                if !self.modules.contains(&below) {
                    break;
                }
                from = below;
                names.remove(0);
            }
            let handed_on = self.handed_on.get(&from);
            let Some(origin) = names.first().and_then(|name| handed_on?.get(name)) else { break };
            let mut further = origin.clone();
            further.1.extend(names.into_iter().skip(1));
            (from, names) = further;
        }
        from
    }

    fn neighbours(&self, module: &Path) -> BTreeSet<Path> {
        let used = self.used.get(module).into_iter().flatten();
        let homes = used.map(|origin| self.home(origin.clone()));
        homes.filter(|home| !home.starts_with(module) && !module.starts_with(home)).collect()
    }
}

fn module_of(file: &str) -> Path {
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs");
    let names = inner.split('/').filter(|name| !matches!(*name, "mod" | "lib"));
    names.map(str::to_owned).collect()
}

/// Without tests and comments, in one line.
fn plain(text: &str) -> String {
    let lines = code(text).lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join(" ")
}

/// What stands before a `use` at the end of a statement, and its tree.
fn use_of(statement: &str) -> Option<(&str, &str)> {
    let at = statement.rfind("use ")?;
    let (before, tree) = statement.split_at(at);
    let is_word = before.chars().last().is_none_or(|last| !last.is_alphanumeric() && last != '_');
    is_word.then(|| (before, tree.trim_start_matches("use ").trim_end_matches(';')))
}

/// The paths of a tree of imports.
fn expanded(before: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((path, inner)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        return vec![format!("{before}{name}").replace(' ', "")];
    };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut paths, mut depth, mut item) = (Vec::new(), 0, String::new());
    let before = format!("{before}{path}");
    for letter in inner.chars().chain([',']) {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if letter == ',' && depth == 0 {
            if !item.trim().is_empty() {
                paths.extend(expanded(&before, &item));
            }
            item.clear();
        } else {
            item.push(letter);
        }
    }
    paths
}

/// Words with `::` in between.
fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && !"_:".contains(letter));
    words.map(|word| word.trim_matches(':')).filter(|word| word.contains("::"))
}

/// Every loop, by its shortest way through `from`.
fn circle_through(ways: &BTreeMap<Path, BTreeSet<Path>>, from: &Path) -> Option<Vec<Path>> {
    let mut trips: Vec<Vec<Path>> = vec![vec![from.clone()]];
    let mut seen = BTreeSet::new();
    while let Some(trip) = (!trips.is_empty()).then(|| trips.remove(0)) {
        for next in ways.get(trip.last()?).into_iter().flatten() {
            if next == from {
                return Some(trip);
            }
            if seen.insert(next.clone()) {
                trips.push(trip.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let house = House::read();
    let ways: BTreeMap<Path, BTreeSet<Path>> =
        house.modules.iter().map(|module| (module.clone(), house.neighbours(module))).collect();
    assert!(200 < ways.values().map(BTreeSet::len).sum::<usize>(), "the imports are read");
    let mut told = BTreeSet::new();
    let mut faults = Vec::new();
    for module in ways.keys() {
        let Some(circle) = circle_through(&ways, module) else { continue };
        if told.insert(circle.iter().cloned().collect::<BTreeSet<_>>()) {
            let names: Vec<String> = circle.iter().map(|one| one.join("/")).collect();
            faults.push(names.join(" → "));
        }
    }
    assert_none(&faults, "files that import each other in a circle");
}

#[test]
fn a_circle_is_found_through_a_name_that_is_handed_on() {
    let mut house = House::default();
    let path = |text: &str| -> Path { text.split('/').map(str::to_owned).collect() };
    house.modules = ["a", "a/b", "c"].into_iter().map(path).collect();
    house.take_in(&path("a"), "mod b; pub use b::Thing;");
    house.take_in(&path("a/b"), "use crate::{c::{Other, Third as T}, std::fmt};");
    house.take_in(&path("c"), "fn of(thing: crate::a::Thing) {}");
    let ways = house.modules.iter().map(|one| (one.clone(), house.neighbours(one))).collect();
    assert_eq!(circle_through(&ways, &path("c")), Some(vec![path("c"), path("a/b")]));
}
