//! The PTX that is committed with the sources.

/// For f32 and for bf16.
pub(crate) const COMMITTED: [&str; 2] =
    [include_str!("../kernels/ptx/kernels.f32.ptx"), include_str!("../kernels/ptx/kernels.bf16.ptx")];

/// The sizes in bytes of the parameters that the PTX declares for a kernel.
pub(crate) fn parameters(ptx: &str, kernel: &str) -> Vec<usize> {
    let Some((_, rest)) = ptx.split_once(&format!(".entry {kernel}(\n")) else {
        panic!("{kernel} is not in the committed PTX: run tools/ptx")
    };
    let list = rest.split(')').next().unwrap();
    let bytes = |line: &str| match line {
        _ if line.contains(".u64") => 8,
        _ if line.contains(".u32") || line.contains(".f32") => 4,
        _ => line.split(['[', ']']).nth(1).and_then(|bytes| bytes.parse().ok()).unwrap(),
    };
    list.lines().filter(|line| line.contains(".param")).map(bytes).collect()
}
