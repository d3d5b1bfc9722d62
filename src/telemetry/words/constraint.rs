//! What keeps the farm from being larger or smaller. Each row has a paragraph in docs/operations.md.

use super::Language::{En, Zh};
use super::terms::{class as class_words, each, whose};
use crate::model::snapshot::Blocked;
use crate::model::{Money, Time};

words! {
    /// What keeps the farm from being larger or smaller.
    pub constraint(Blocked), CONSTRAINTS;

    "not_adopted" Info NotAdopted =>
        "尚未掌握云上的全部机器",
        "the farm at the provider is not fully known yet";
    "paused" Info Paused { owner, reason } =>
        "已由 {owner} 暂停：{reason}",
        "paused by {owner}: {reason}";
    "queue_stale" Warn QueueStale { detail } =>
        "队列没有新消息：{detail}",
        "no fresh word from the queue: {detail}";
    "fleet_stale" Warn FleetStale { detail } =>
        "机器列表没有更新：{detail}",
        "no fresh listing of the fleet: {detail}";
    "readings_apart" Info ReadingsApart =>
        "队列与机器列表的读取时间相差过大",
        "queue and fleet were not seen close enough together";
    "clock_jumped" Warn ClockJumped { until } =>
        "系统时钟跳变，{until} 之前不缩容",
        "the wall clock jumped; no shrinking until {until}";
    "pool_max" Info PoolMax { max } =>
        "资源池上限 {max}",
        "the pool's max of {max}";
    "farm_max" Info FarmMax { max } =>
        "农场上限 {max}",
        "the farm's max of {max}";
    "above_max" Info AboveMax { pool, max, machines, finish_queue }
        [of_zh = whose(pool.as_ref(), Zh), of = whose(pool.as_ref(), En),
         how_zh = how_they_go_zh(*finish_queue), how = how_they_go(*finish_queue)] =>
        "{of_zh}上限 {max}，超出 {machines} 台：{how_zh}",
        "{machines} machines above the max of {max} of {of}: {how}";
    "pool_min" Info PoolMin { min } =>
        "资源池下限 {min}",
        "the pool's min of {min}";
    "money_cap" Warn MoneyCap { pool, span, cap, committed, next_day, more }
        [of_zh = whose(pool.as_ref(), Zh), of = whose(pool.as_ref(), En), each_zh = each(*span, Zh),
         each = each(*span, En), use_zh = use_zh(*next_day, *committed),
         used = used(*next_day, *committed)] =>
        "{of_zh}的{each_zh}上限 {cap}：{use_zh}，再加一台要 {more}",
        "the cap of {cap} {each} of {of}: {used}, one more machine takes {more}";
    "money_soft" Info MoneySoft { pool, span, cap, committed }
        [of_zh = whose(pool.as_ref(), Zh), of = whose(pool.as_ref(), En), each_zh = each(*span, Zh),
         each = each(*span, En)] =>
        "接近{of_zh}的{each_zh}上限 {cap}（已占 {committed}）",
        "the cap of {cap} {each} of {of} is near ({committed} of it)";
    "open_creates" Info OpenCreates { limit } =>
        "有 {limit} 个创建请求尚无结果",
        "{limit} creates are not yet answered";
    "surge" Info Surge { limit } =>
        "已有 {limit} 台正在启动或刚刚申请（surge）",
        "{limit} machines are on their way or were just asked for (surge)";
    "shrink_window" Info ShrinkWindow { limit } =>
        "最近几分钟已停机或删除 {limit} 台",
        "{limit} stops or deletes in the last minutes";
    "sold_out" Info SoldOut { offer } =>
        "{offer} 售罄",
        "{offer} is sold out";
    "offer_refused" Warn OfferRefused { offer, class, until }
        [why_zh = class_words(*class, Zh), why = class_words(*class, En)] =>
        "{offer} 被拒绝（{why_zh}），{until} 之前不再尝试",
        "{offer} was refused ({why}), left alone until {until}";
    "probing" Info Probing { offer, class }
        [why_zh = class_words(*class, Zh), why = class_words(*class, En)] =>
        "{offer} 曾被拒绝（{why_zh}），正用一台机器试探",
        "{offer} was refused ({why}) and one machine tries it again";
    "quota_ceiling" Warn QuotaCeiling { zone, machines, next_try } =>
        "{zone} 的配额只允许 {machines} 台；{next_try} 再试一台",
        "the quota of {zone} allowed {machines} machines; one tries at {next_try}";
    "spot_too_dear" Info SpotTooDear { offer, hourly, most } =>
        "{offer} 竞价每小时 {hourly}，高于 {most}",
        "{offer} costs {hourly} an hour now, more than {most}";
    "price_stale" Warn PriceStale { offer, age } =>
        "{offer} 的价格已有 {age} 没有更新",
        "the price of {offer} is {age} old and cannot be had anew";
    "shared" Info Shared { name, count }
        [slots_zh = slots_zh(*count), slots = slots(*count)] =>
        "共用限制 {name}{slots_zh}",
        "the limit {name}{slots}";
    "no_price" Warn NoPrice { offer, detail } =>
        "{offer} 没有可用价格：{detail}",
        "{offer} has no usable price: {detail}";
    "no_stock" Warn NoStock { offer, detail } =>
        "{offer} 库存未知：{detail}",
        "stock of {offer} is not known: {detail}";
    "nothing_fits" Warn NothingFits { gpus, gpu_memory_gib } =>
        "没有规格能满足一个任务所需的 {gpus} 块 {gpu_memory_gib} GiB 显卡",
        "no offer has {gpus} GPUs of {gpu_memory_gib} GiB for one task";
    "boots_fail" Warn BootsFail { line, failed, next_try }
        [zone = &line.zone, family = &line.family, when_zh = when_zh(*next_try),
         when = when(*next_try)] =>
        "{zone} 的 {family} 连续 {failed} 次开机没有工作进程加入；{when_zh}",
        "{line} bring no workers ({failed} in a row); one tries {when}";
    "within_promise" Info WithinPromise { waiting, wait } =>
        "{waiting} 个任务在等待，按承诺会在 {wait} 内开始，不必加机器",
        "{waiting} tasks wait, to be started within {wait} as promised";
    "cannot_tell_idle" Warn CannotTellIdle =>
        "队列既不能说明谁空闲，也不能排空，故不停机（设 idle = \"assume\" 才会停）",
        "the queue can neither say who is busy nor drain (idle = \"assume\" would stop)";
    "stops_charged" Warn StopsCharged { since } =>
        "关机未能免费（{since} 发现），改为删除",
        "stops are not free of charge (seen at {since}): deleting instead";
    "retiring" Info Retiring { owner } =>
        "农场正在永久下线（{owner}）",
        "the farm is being decommissioned ({owner})";
    "held" Info Held { machine, owner, reason } =>
        "{machine} 由 {owner} 保留：{reason}",
        "{machine} is held by {owner}: {reason}";
    "gpu_busy" Warn GpuBusy { machine, percent } =>
        "{machine} 在队列中空闲，但显卡占用 {percent}%",
        "{machine} is idle by the queue but its GPU is at {percent} %";
    "quarantined" Warn Quarantined { machine, status } =>
        "{machine} 已隔离：云上状态为 {status}",
        "{machine} is quarantined: the provider shows it as `{status}`";
    "arrears" Warn Arrears { machine } =>
        "账户欠费，{machine} 正被回收：不再购买，也不删除；请充值",
        "the provider takes {machine} back for arrears: nothing is bought or deleted; pay";
    "unexpected_status" Warn UnexpectedStatus { machine, status } =>
        "{machine} 云上状态为 {status}",
        "the provider shows {machine} as `{status}`";
    "stays_building" Warn StaysBuilding { machine, lasted } =>
        "{machine} 在云上创建已 {lasted} 仍未完成：反复尝试删除，仍计入各项上限",
        "the provider has been making {machine} for {lasted}: it is deleted again and again, and counts \
         against every cap until it is gone";
    "no_progress" Warn NoProgress { lost, ended_at }
        [since_zh = since_zh(*ended_at), since = since(*ended_at)] =>
        "钱在花，任务没有进展：{since_zh}，其间有 {lost} 台机器带着任务丢失；改买别的规格，仍不行就不再扩容",
        "money is spent and no task ends: {since}, and {lost} machines were lost at work; other offers \
         are bought, and when those do no better nothing more";
    "task_restarts" Warn TaskRestarts { task, times } =>
        "任务 {task} 已 {times} 次失去工作进程：可能正是它让工作进程崩溃",
        "task {task} has lost its worker {times} times: it may be what kills them";
    "drain_lasts" Warn DrainLasts { machine, lasted } =>
        "{machine} 的工作进程已有 {lasted} 没有应答排空",
        "the workers of {machine} have not answered their drain for {lasted}";
    "hung" Warn Hung { machine, unused_for } =>
        "{machine} 任务在跑，显卡已有 {unused_for} 毫无占用",
        "{machine} is busy and its GPU has done nothing for {unused_for}";
    "all_silent" Warn AllSilent { machines } =>
        "全部 {machines} 台机器同时失联：疑为队列故障，暂不处理",
        "all {machines} machines fell silent at once: the queue is doubted";
    "monitoring_dead" Warn MonitoringDead { machines } =>
        "全部 {machines} 台忙碌机器的显卡占用均为零：疑为监控故障",
        "all {machines} busy machines show an unused GPU: monitoring is at fault";
    "hung_enough" Warn HungEnough { limit } =>
        "一小时内最多更换 {limit} 台卡住的机器",
        "{limit} hung machines an hour are replaced";
    "replacing" Info Replacing { left } =>
        "{left} 台机器过旧或与现配置不符，正逐步更换",
        "{left} machines are too old or not as configured, and are replaced";
    "pool_gone" Warn PoolGone { pool, machines } =>
        "配置中已无资源池 {pool}，仍有 {machines} 台机器",
        "{machines} machines of pool {pool}, which is not in the config";
    "name_twice" Warn NameTwice { machine } =>
        "有两台机器同名 {machine}",
        "two instances are called {machine}";
    "second_daemon" Warn SecondDaemon { machine } =>
        "另一个守护进程也在用这个农场名创建机器（{machine}）：停掉它，再执行 `farmscale retire --twins`",
        "another daemon of this farm makes machines ({machine}): stop it, then \
         `farmscale retire --twins`";
    "unknown_worker" Warn UnknownWorker { worker, machine } =>
        "工作进程 {worker} 在未知机器 {machine} 上执行任务：没有工作进程的机器暂不停",
        "worker {worker} holds a task on {machine}, which is no machine of the farm: machines \
         without a worker are kept until it is done";
}

fn since_zh(ended_at: Option<Time>) -> String {
    let never = || "还没有任务做完过".to_owned();
    ended_at.map_or_else(never, |at| format!("自 {at} 起没有任务做完"))
}

fn since(ended_at: Option<Time>) -> String {
    let never = || "none has ended yet".to_owned();
    ended_at.map_or_else(never, |at| format!("none has since {at}"))
}

fn use_zh(next_day: bool, committed: Money) -> String {
    let what = if next_day { "在跑的机器跑满一天要" } else { "已花费与预留共" };
    format!("{what} {committed}")
}

fn used(next_day: bool, committed: Money) -> String {
    if next_day {
        format!("what runs costs {committed} on a whole day")
    } else {
        format!("{committed} are spent or reserved")
    }
}

fn how_they_go_zh(finish_queue: bool) -> &'static str {
    if finish_queue {
        "等任务不再排队才放"
    } else {
        "不再领取任务，手上的做完即删除"
    }
}

fn how_they_go(finish_queue: bool) -> &'static str {
    if finish_queue {
        "they work until no task waits"
    } else {
        "they take no more tasks and go as those they have end"
    }
}

fn slots_zh(count: Option<u32>) -> String {
    count.map_or_else(|| "的来源没有给出数量".to_owned(), |count| format!("：{count} 个槽位"))
}

fn slots(count: Option<u32>) -> String {
    let unknown = || ", whose source does not say how many there are".to_owned();
    count.map_or_else(unknown, |count| format!(" of {count} slots"))
}

fn when_zh(next_try: Option<Time>) -> String {
    next_try.map_or_else(|| "正在试一台".to_owned(), |at| format!("{at} 再试一台"))
}

fn when(next_try: Option<Time>) -> String {
    next_try.map_or_else(|| "now".to_owned(), |at| format!("at {at}"))
}
