//! Simulated farm-days a minute on one core: a chaos farm of at most 20 machines, faults and all.

use criterion::{Criterion, criterion_group, criterion_main};
use farmscale::sim::chaos::{Sabotage, run};

fn farm_day(criterion: &mut Criterion) {
    let mut seed = 0;
    criterion.bench_function("farm_day", |bencher| {
        bencher.iter(|| {
            seed += 1;
            run(seed, Sabotage::None, &[])
        });
    });
}

criterion_group!(benches, farm_day);
criterion_main!(benches);
