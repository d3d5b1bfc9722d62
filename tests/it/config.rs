//! Settings as operators write them: right, wrong in many places at once, and documented.

#![expect(clippy::unwrap_used, reason = "a test helper that fails is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use farmscale::config::{Faults, Settings, load};
use farmscale::model::Span;
use secrecy::ExposeSecret;

const KEY: [(&str, &str); 2] =
    [("FARMSCALE_ACCESS_KEY_ID", "id"), ("FARMSCALE_ACCESS_KEY_SECRET", "secret")];

fn environment(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    KEY.iter().chain(more).map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load_text(text: &str, more: &[(&str, &str)]) -> Result<Settings, Faults> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    std::fs::write(&path, text).unwrap();
    load(&path, &environment(more))
}

fn minimal() -> String {
    std::fs::read_to_string(root().join("config/examples/minimal.toml")).unwrap()
}

#[test]
fn settings_that_may_lose_a_frame_are_warned_of() {
    let warned = |line: &str| {
        let text = minimal().replacen("queue = ", &format!("{line}\nqueue = "), 1);
        load_text(&text, &[]).unwrap().warnings
    };
    let told = warned("max_lifetime = \"30d\"");
    assert!(!told.iter().any(|one| one.contains("may be lost")), "{told:?}");
    for (line, said) in [
        ("drain_max = \"2h\"", "drain_max stops machines whose workers do not answer"),
        ("on_hung = \"recycle\"", "deletes machines that are busy on an unused GPU"),
    ] {
        let warnings = warned(line);
        assert!(warnings.iter().any(|one| one.contains(said)), "{line}: {warnings:?}");
        assert!(warnings.iter().any(|one| one.contains("a frame may be lost")), "{warnings:?}");
    }
}

#[test]
fn every_example_loads() {
    let folder = root().join("config/examples");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push(root().join("config/farmscale.toml"));
    assert_eq!(files.len(), 5);
    for file in files {
        if let Err(faults) = load(&file, &environment(&[])) {
            panic!("{faults}");
        }
    }
}

#[test]
fn all_faults_come_at_once_with_line_key_and_remedy() {
    let text = r#"
farm = "My Farm"
[limits]
max = -1
maximum = 3
[queues.render]
kind = "rabbit"
[queues.jobs]
[pools.gpu]
queue = "rendr"
min = 5
max = 2
[timing]
queue_poll = "soon"
[pools.gpu.zones.CN_Suqian_B]
vpc = "v"
"#;
    let faults = load_text(text, &[]).unwrap_err();
    let said = faults.to_string();
    for expected in [
        ":2: farm is \"My Farm\": must be 1 to 6 of a-z and 0-9",
        ":4: limits.max is -1: must be a whole number, 0 to 10000",
        ":5: limits.maximum is not a setting; did you mean `max`?",
        ":7: queues.render.kind is \"rabbit\": must be one of \"redis\", \"http\", \"command\"",
        ":10: pools.gpu.queue is \"rendr\": no such queue; there are: jobs",
        ":11: pools.gpu.min is 5, more than max (2)",
        ":14: timing.queue_poll is \"soon\": must be a time such as",
        "pools.gpu.sizes is missing",
        ":15: pools.gpu.zones.CN_Suqian_B.subnet is missing",
    ] {
        assert!(said.contains(expected), "`{expected}` is not in:\n{said}");
    }
}

#[test]
fn text_that_is_no_toml_is_named_by_its_line() {
    let said = load_text("farm = \"a\"\n[limits\nmax = 1\n", &[]).unwrap_err().to_string();
    assert!(said.contains(":2: the file is no TOML"), "{said}");
}

#[test]
fn the_environment_lies_over_the_file() {
    let settings = load_text(&minimal(), &[("FARMSCALE__LIMITS__MAX", "7")]).unwrap();
    assert_eq!(settings.policy.limits.max, 7);
    let said = load_text(&minimal(), &[("FARMSCALE__LIMITS__MAX", "lots")]).unwrap_err();
    assert!(said.to_string().contains("limits.max is \"lots\""), "{said}");
}

#[test]
fn the_environment_knows_names_by_the_files_own_letters() {
    let over = [("FARMSCALE__POOLS__GPU__ZONES__CN_SUQIAN_B__SUBNET", "another")];
    let settings = load_text(&minimal(), &over).unwrap();
    let purchases = &settings.cloud.purchases;
    assert_eq!(purchases.len(), 1, "no second zone: {purchases:?}");
    assert_eq!(&*purchases[0].subnet, "another");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let limits = |more: &str| format!("{}\n[limits]\n{more}\n", minimal());
    let pool = |more: &str| minimal().replace("[pools.gpu]", &format!("[pools.gpu]\n{more}"));
    for (text, expected) in [
        (limits("money_per_day = 100\nmoney_per_month = 50"), "is more than money_per_month"),
        (limits("max_money_per_day = 300"), "did you mean `money_per_day`?"),
        (pool("spot = { bid = 5, max_price = 4 }"), "bid is more than max_price"),
        (
            pool("windows = [{ from = \"20:00\", to = \"08:00\", min = 5, max = 2 }]"),
            "windows has a min that is more than its max",
        ),
    ] {
        let said = load_text(&text, &[]).unwrap_err().to_string();
        assert!(said.contains(expected), "`{expected}` is not in:\n{said}");
    }
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.key");
    std::fs::write(&file, "the-id\nthe-secret\n").unwrap();
    let text = format!("{}\n[cloud]\nkey_file = {file:?}\n", minimal());
    let mode = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        load_text(&text, &[])
    };
    let said = mode(0o644).unwrap_err().to_string();
    assert!(said.contains("which others may read (mode 644): chmod 600"), "{said}");
    let settings = mode(0o600).unwrap();
    let credentials = settings.cloud.credentials;
    assert_eq!(credentials.access_key_id.expose_secret(), "the-id");
    assert!(!format!("{credentials:?}").contains("the-"), "a key is not printed");
    assert!(settings.warnings.is_empty(), "a file of one's own is safe");
}

#[test]
fn what_would_double_or_lose_machines_is_refused() {
    let text = format!("{}\n[timing]\ncreate_grace = \"60s\"\n", minimal());
    let said = load_text(&text, &[]).unwrap_err().to_string();
    assert!(said.contains("timing.create_grace is too short"), "{said}");
    let text = format!("{}\n[cloud]\nendpoint = \"http://example.com/ecs/v1\"\n", minimal());
    let said = load_text(&text, &[]).unwrap_err().to_string();
    assert!(said.contains("must start with https://"), "{said}");
    let text = format!("{}\n[page]\nlisten = \"0.0.0.0:80\"\n", minimal());
    let said = load_text(&text, &[]).unwrap_err().to_string();
    assert!(said.contains("open to the network without a token"), "{said}");
}

/// A size with these words in it; its speed in millionths, and what is warned of.
fn sized(words: &str) -> Result<(i64, String), String> {
    let text = minimal().replace("gpu_memory = 24", &format!("gpu_memory = 24, {words}"));
    let settings = load_text(&text, &[]).map_err(|faults| faults.to_string())?;
    let offers: Vec<_> = settings.policy.pools.iter().flat_map(|pool| &pool.offers).collect();
    assert!(text.contains(words));
    Ok((offers.first().unwrap().speed_ppm, settings.warnings.join("\n")))
}

#[test]
fn a_gpu_is_as_fast_as_blenders_medians_say_unless_the_operator_knows_better() {
    let warned = |words: &str| sized(words).unwrap();
    let calm = warned("speed = 1.0");
    assert_eq!(warned("gpu = \"NVIDIA RTX A5000\""), calm, "the reference");
    // The vendor's GpuShowType; 5330.3 / 4419.0.
    assert_eq!(warned("gpu = \"nvidia geforce rtx3090\""), (1_206_223, calm.1.clone()));
    let (speed, said) = warned("gpu = \"RTX 3090\", speed = 1.5");
    assert!(speed == 1_500_000 && said.contains("both speed and gpu are given"), "{said}");
    assert!(said.contains("sizes.0.gpu"), "{said}");
    // 9312.6 / 4419.0, of two runs.
    let (speed, said) = warned("gpu = \"L40\"");
    assert!(speed == 2_107_400 && said.contains("2 benchmark run(s) only"), "{said}");
    let said = sized("gpu = \"RTX A500\"").unwrap_err();
    for part in ["sizes.0.gpu is \"RTX A500\"", "NVIDIA RTX A5000", "`speed` instead"] {
        assert!(said.contains(part), "`{part}` is not in {said}");
    }
    assert_eq!(sized("gpu = \"RTX A500\", speed = 0.5").unwrap().0, 500_000);
}

/// `config/farmscale.toml` names every setting with its default, and nothing else.
#[test]
fn the_reference_config_is_what_the_code_asks_for() {
    let text = std::fs::read_to_string(root().join("config/farmscale.toml")).unwrap();
    let is_setting = |line: &str| {
        line.strip_prefix("# ").and_then(|rest| rest.split_once(" = ")).is_some_and(|(name, _)| {
            name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
        })
    };
    let whole: String = text
        .lines()
        .map(|line| if is_setting(line) { line.strip_prefix("# ").unwrap() } else { line })
        .map(|line| format!("{line}\n"))
        .collect();
    let table: toml::Table = whole.parse().unwrap();
    let mut written = BTreeMap::new();
    flatten("", &toml::Value::Table(table), &mut written);
    let asked = farmscale::config::asked(&whole);
    let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<BTreeSet<_>>();
    // A list of tables is asked for by its items.
    let mut asked_names = names(&asked);
    let in_list = |name: &String| name.starts_with("queues.render.shaped_lists.");
    asked_names.retain(|name| !in_list(name) && !name.starts_with("queues.script.json."));
    let mut written_names = names(&written);
    written_names.retain(|name| !in_list(name));
    assert_eq!(written_names, asked_names);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| is_setting(line)) {
        if line.contains("# example") {
            continue;
        }
        let value = line.split_once(" = ").unwrap().1.split("  #").next().unwrap().trim();
        let defaults: Vec<_> = asked.values().filter(|default| *default == value).collect();
        let span = farmscale::config::parse_span(value.trim_matches('"'));
        let same_span = |default: &String| {
            span.is_some() && farmscale::config::parse_span(default.trim_matches('"')) == span
        };
        let fits = !defaults.is_empty() || asked.values().any(same_span);
        assert!(fits, "line {}: {value} is no default", number + 1);
    }
    assert!(farmscale::config::parse_span("150s") == Some(Span::seconds(150)));
}

fn flatten(path: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
    let join = |name: &str| if path.is_empty() { name.into() } else { format!("{path}.{name}") };
    match value {
        toml::Value::Table(table) => {
            for (name, inner) in table {
                flatten(&join(name), inner, into);
            }
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for (number, inner) in items.iter().enumerate() {
                flatten(&join(&number.to_string()), inner, into);
            }
        }
        other @ (toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)) => {
            into.insert(path.to_owned(), other.to_string());
        }
    }
}
