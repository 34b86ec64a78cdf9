//! Lets a program that was built beside a new C library start beside an older one, down to glibc 2.34.
//!
//! glibc 2.35 gave `hypot` and `hypotf` new versions that report errors in another way; the values are the same. `build.rs` has the linker
//! send all calls here, and they go on to the old versions.

core::arch::global_asm!(
    ".symver physrep_old_hypot, hypot@GLIBC_2.2.5",
    ".symver physrep_old_hypotf, hypotf@GLIBC_2.2.5",
    ".globl __wrap_hypot",
    ".globl __wrap_hypotf",
    ".type __wrap_hypot, @function",
    ".type __wrap_hypotf, @function",
    "__wrap_hypot: jmp physrep_old_hypot@PLT",
    "__wrap_hypotf: jmp physrep_old_hypotf@PLT",
);
