//! Single words and short sentences of page and command line; the page gets them as `words.js`.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Language;

/// Key, Chinese, English. `{0}`, `{1}` … stand for what is filled in.
pub const LABELS: &[(&str, &str, &str)] = &[
    ("other", "English", "中文"),
    ("fleet", "机器与队列", "Machines and queue"),
    ("money", "每小时花费", "Yuan an hour"),
    ("decisions", "决策", "Decisions"),
    ("why", "为什么是这个规模", "Why this size"),
    ("offers", "可购买的机器", "What can be bought"),
    ("machines", "机器", "Machines"),
    ("queue", "任务（等待＋运行）", "tasks (waiting + running)"),
    ("f_machines", "台机器", "machines"),
    ("f_hourly", "每小时", "an hour"),
    ("f_spent", "已花费", "spent"),
    ("f_today", "今日", "today"),
    ("f_midnight", "预计到午夜", "by midnight"),
    ("f_month", "本月", "this month"),
    ("f_month_end", "预计到月底", "by the month's end"),
    ("f_cap_hour", "每小时上限（含预留）", "of the cap an hour"),
    ("f_cap_day", "每日上限（含预留）", "of the cap a day"),
    ("f_cap_month", "每月上限（含预留）", "of the cap a month"),
    ("f_waiting", "等待中", "waiting"),
    ("f_running", "运行中", "running"),
    ("f_oldest", "最长等待", "oldest wait"),
    // columns
    ("machine", "名称", "name"),
    ("offer", "规格", "offer"),
    ("phase", "状态", "phase"),
    ("since", "持续", "for"),
    ("worker", "工作进程", "worker"),
    ("hourly", "元/时", "¥/h"),
    ("cost", "已花", "so far"),
    ("reason", "原因", "reason"),
    ("now", "现状", "now"),
    ("pool", "资源池", "pool"),
    ("work", "元/时·功", "¥/h of work"),
    ("buy", "能否购买", "can be bought"),
    ("yes", "可购买", "yes"),
    ("size", "规模", "size"),
    // phases, and what the page takes together
    ("launching", "创建中", "launching"),
    ("booting", "开机中", "booting"),
    ("ready", "就绪", "ready"),
    ("draining", "排空中", "draining"),
    ("stopping", "停机中", "stopping"),
    ("stopped", "已停机", "stopped"),
    ("starting", "重启中", "starting"),
    ("leaving", "删除中", "being deleted"),
    ("coming", "启动中", "on their way"),
    ("going", "释放中", "being let go"),
    // workers
    ("idle", "空闲", "idle"),
    ("busy", "渲染中", "busy"),
    ("drained", "已排空", "drained"),
    ("worker_none", "已无工作进程", "has no worker any more"),
    ("worker_idle", "空闲", "is idle"),
    ("worker_busy", "正在渲染", "works"),
    (
        "worker_drained",
        "已排空：手上没有任务，也不再领取",
        "is drained: it holds no task and takes none",
    ),
    // changes
    ("change_drain", "排空", "drain"),
    ("change_undrain", "取消排空", "undrain"),
    ("change_start", "启动", "start"),
    ("change_stop", "停机", "stop"),
    ("change_delete", "删除", "delete"),
    // refusals
    ("class_sold_out", "售罄", "sold out"),
    ("class_quota", "配额", "quota"),
    ("class_throttled", "调用过多", "too many calls"),
    ("class_config", "配置", "settings"),
    (
        "class_image",
        "没有这个镜像：检查资源池的 image",
        "no such image there: check the pool's `image`",
    ),
    (
        "class_subnet",
        "子网不存在或已满：检查资源池的 subnet",
        "the subnet is gone or full: check the pool's `subnet`, or free addresses",
    ),
    (
        "class_clock",
        "本机时钟不准：timedatectl set-ntp true",
        "this machine's clock is off: timedatectl set-ntp true",
    ),
    ("class_auth", "密钥", "access key"),
    ("class_money", "余额", "balance"),
    ("class_conflict", "状态冲突", "state"),
    ("class_not_found", "不存在", "not found"),
    ("class_not_sent", "未送达", "not reached"),
    ("class_other", "其他", "other"),
    // caps
    ("whole_farm", "全场", "the farm"),
    ("each_hour", "每小时", "an hour"),
    ("each_day", "每日", "a day"),
    ("each_month", "每月", "a month"),
    // sentences
    (
        "stale",
        "数据已陈旧：守护进程 {0} 没有更新。机器照常运行、照常计费；请检查进程与日志。",
        "Stale: the daemon has not turned for {0}. Machines go on running and costing; look at its process and log.",
    ),
    (
        "unreachable",
        "无法连接守护进程。下面是最后一次看到的情况。",
        "The daemon does not answer. Below is what was seen last.",
    ),
    ("paused", "已由 {0} 暂停：{1}", "Paused by {0}: {1}"),
    (
        "retiring",
        "农场正在永久下线（{0}）：不再开机，机器逐台删除",
        "Being decommissioned ({0}): nothing is started, all machines are deleted",
    ),
    ("adopting", "正在核对云上的机器……", "finding out which machines there are …"),
    ("nothing", "没有任何限制：规模与任务相符", "no active constraint: it is as large as its work"),
    (
        "asks",
        "任务需要 {0} 个槽位；已有或即将就绪 {1} 个；规模 {2}–{3}",
        "The work asks for {0} slots; {1} are there or on their way; size {2}–{3}",
    ),
    ("none", "暂无机器", "no machine"),
    // signing in
    ("sign_in", "登录", "Sign in"),
    ("sign_out", "退出登录", "Sign out"),
    ("token", "访问令牌", "Access token"),
    (
        "token_where",
        "令牌在 page.token_file 所指的文件里。",
        "It is in the file that page.token_file names.",
    ),
    ("token_wrong", "令牌不对。", "That is not the token."),
];

/// The word in that language; the key itself where there is none.
pub fn label(key: &str, language: Language) -> &str {
    let row = LABELS.iter().find(|(name, _, _)| *name == key);
    row.map_or(key, |(_, zh, en)| match language {
        Language::Zh => zh,
        Language::En => en,
    })
}

/// The table as the page loads it.
pub fn script() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| {
        let words = |pick: fn(&(&str, &str, &str)) -> String| -> Map<String, Value> {
            LABELS.iter().map(|row| (row.0.to_owned(), Value::String(pick(row)))).collect()
        };
        let (zh, en) = (words(|row| row.1.to_owned()), words(|row| row.2.to_owned()));
        let table = serde_json::json!({ "zh": zh, "en": en });
        format!("\"use strict\";\nconst WORDS = {table};\n")
    });
    &SCRIPT
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_label_stands_once_and_in_both_languages() {
        let keys: BTreeSet<_> = LABELS.iter().map(|(key, _, _)| key).collect();
        assert_eq!(keys.len(), LABELS.len());
        let is_empty = |row: &&(&str, &str, &str)| row.1.is_empty() || row.2.is_empty();
        assert_eq!(LABELS.iter().find(is_empty), None);
    }
}
