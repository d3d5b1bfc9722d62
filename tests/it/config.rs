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

/// A config with a drop-in, and what became of it.
fn load_with(text: &str, drop_ins: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    std::fs::write(&path, text).unwrap();
    let beside = folder.path().join("farm.toml.d");
    std::fs::create_dir(&beside).unwrap();
    for (name, text) in drop_ins {
        std::fs::write(beside.join(name), text).unwrap();
    }
    let shown = format!("{}/", folder.path().display());
    load(&path, &environment(&[])).map_err(|faults| faults.to_string().replace(&shown, ""))
}

#[test]
fn drop_ins_lie_over_the_file_by_name_and_the_environment_over_both() {
    let first = ("10-size.toml", "[pools.gpu]\nmax = 3\nmin = 1\n");
    let second = ("20-night.toml", "[pools.gpu]\nmax = 4\n");
    let ignored = [("x.toml.bak", "max = ?"), (".20-night.toml", "max = ?")];
    let settings = load_with(&minimal(), &[&[second, first][..], &ignored].concat()).unwrap();
    let pool = &settings.policy.pools[0];
    assert_eq!((pool.min, pool.max), (1, 4), "the rest of the pool is the file's");
    assert_eq!(pool.offers.len(), 1);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    std::fs::create_dir(folder.path().join("farm.toml.d")).unwrap();
    std::fs::write(&path, minimal()).unwrap();
    std::fs::write(folder.path().join("farm.toml.d/a.toml"), "limits.max = 5\n").unwrap();
    let max = |more: &[(&str, &str)]| load(&path, &environment(more)).unwrap().policy.limits.max;
    assert_eq!((max(&[]), max(&[("FARMSCALE__LIMITS__MAX", "7")])), (5, 7));
}

#[test]
fn a_fault_names_the_file_and_line_or_the_variable_it_comes_from() {
    let drop_in = ("a.toml", "[limits]\nmax = -1\nmaximum = 3\n");
    let said = load_with(&minimal(), &[drop_in, ("b.toml", "pools.gpu.mix = 1\n")]).unwrap_err();
    for expected in [
        "farm.toml.d/a.toml:2: limits.max is -1",
        "farm.toml.d/a.toml:3: limits.maximum is not a setting",
        "farm.toml.d/b.toml:1: pools.gpu.mix is not a setting",
    ] {
        assert!(said.contains(expected), "`{expected}` is not in:\n{said}");
    }
    let broken = load_with("farm = [", &[("a.toml", "x = ")]).unwrap_err();
    assert!(broken.contains("2 faults") && broken.contains("farm.toml.d/a.toml:1:"), "{broken}");
    let over = [("FARMSCALE__LIMITS__MAX", "lots"), ("FARMSCALE__LIMIT__MAX", "3")];
    let said = load_text(&minimal(), &over).unwrap_err().to_string();
    assert!(said.contains("FARMSCALE__LIMITS__MAX: limits.max is \"lots\""), "{said}");
    assert!(said.contains("FARMSCALE__LIMIT__MAX: limit is not a setting"), "{said}");
}

#[test]
fn what_editors_and_input_methods_make_of_a_config_gets_advice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    let said = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        load(&path, &environment(&[])).unwrap_err().to_string()
    };
    let gbk = said(b"farm = \"a\"\n# \xe4\xd6\xc8\xbe\n");
    assert!(gbk.contains(":2: the file is not UTF-8 (GBK") && gbk.contains("iconv"), "{gbk}");
    assert!(said(b"\xff\xfef\0").contains("is UTF-16: save it as UTF-8"));
    let quotes = said("farm = “studio”\n".as_bytes());
    assert!(quotes.contains(":1:") && quotes.contains("Chinese quotation marks"), "{quotes}");
    assert!(said("farm ＝ \"studio\"\n".as_bytes()).contains("full-width signs"));
    std::fs::write(&path, format!("\u{feff}{}", minimal())).unwrap();
    load(&path, &environment(&[])).unwrap();
}

#[test]
fn numbers_and_times_of_day_are_taken_as_people_write_them_or_refused_with_the_right_form() {
    let window = |from: &str| {
        let windows = format!("windows = [{{ from = {from}, to = \"24:00\", min = 1 }}]");
        let text = minimal().replace("[pools.gpu]", &format!("[pools.gpu]\n{windows}"));
        let settings = load_text(&text, &[]).map_err(|faults| faults.to_string())?;
        Ok::<_, String>(settings.policy.pools[0].windows[0].from.to_string())
    };
    for from in ["\"9:00\"", "\"09:00\"", "\"9：00\"", "09:00:00"] {
        assert_eq!(window(from).unwrap(), "09:00:00", "{from}");
    }
    for wrong in ["\"9 am\"", "\"25:00\"", "9"] {
        let said = window(wrong).unwrap_err();
        assert!(said.contains("must be a time of day such as \"20:00\""), "{said}");
    }
    let sized = |cpu: &str| load_text(&minimal().replace("cpu = 16", &format!("cpu = {cpu}")), &[]);
    assert_eq!(sized("\"16\"").unwrap().policy.pools[0].offers[0].key.cpu, 16);
    let said = sized("\"16 cores\"").unwrap_err().to_string();
    assert!(said.contains("must be a whole number, 1 to 1024"), "{said}");
}

#[test]
fn hosts_that_no_browser_sends_are_refused_with_the_form_that_matches() {
    let page = |hosts: &str| load_text(&format!("{}\n[page]\nhosts = {hosts}\n", minimal()), &[]);
    let good = page("[\"Farm.Studio.lan\", \"10.15.0.2\", \"[fd00::1]\"]").unwrap().page.hosts;
    assert_eq!(good, ["farm.studio.lan", "10.15.0.2", "[fd00::1]"]);
    for (wrong, why) in [
        ("http://farm.lan", "without http:// and path"),
        ("farm.lan/page", "without http:// and path"),
        ("farm.lan:8420", "without a port"),
        ("fd00::1", "brackets"),
        ("*.studio.lan", "no *"),
        ("农场", "xn--"),
        ("", "a name as browsers send it"),
    ] {
        let said = page(&format!("[\"{wrong}\"]")).unwrap_err().to_string();
        assert!(said.contains(why) && said.contains(&format!("has \"{wrong}\"")), "{said}");
    }
}

#[test]
fn a_token_that_could_be_guessed_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let text = format!("{}\n[page]\ntoken_file = {file:?}\n", minimal());
    let with = |token: &str| {
        std::fs::write(&file, token).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        load_text(&text, &[])
    };
    for short in ["", "\n", "a", "fifteen letters"] {
        let said = with(short).unwrap_err().to_string();
        assert!(said.contains("page.token_file the file holds"), "{short}: {said}");
        assert!(said.contains("openssl rand -hex 16"), "{said}");
    }
    assert!(with("sixteen letters!\n").unwrap().page.token.is_some());
    let said = load_text(&minimal(), &[("FARMSCALE_PAGE_TOKEN", "")]).unwrap_err().to_string();
    assert!(said.contains("FARMSCALE_PAGE_TOKEN holds 0 characters"), "{said}");
}

#[test]
fn a_secret_in_a_file_that_everybody_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("farm.toml");
    let queue = "url = \"redis://:a-password@127.0.0.1:6379\"";
    let text = minimal().replace("[queues.render]", &format!("[queues.render]\n{queue}"));
    std::fs::write(&path, &text).unwrap();
    let warnings = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        load(&path, &environment(&[])).unwrap().warnings.join("\n")
    };
    let told = warnings(0o644);
    assert!(told.contains("queues.render.url holds a secret") && told.contains("chmod o-r"));
    assert!(told.contains("farm.toml") && !told.contains("a-password"), "{told}");
    assert!(!warnings(0o640).contains("holds a secret"));
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
