//! End-to-end tests: the program as a user runs it, one module per topic.

#![cfg(unix)] // for signals, and libraries with a C ABI that `cc` compiles

mod bench;
mod check;
mod checkpoints;
mod compare;
mod cores;
mod damage;
mod data;
mod devices;
mod elsewhere;
mod encode;
mod external;
mod failures;
mod frozen;
mod gpu;
mod hostile_files;
mod interrupt;
mod joint;
mod kills;
mod live;
mod loading_plugins;
mod new;
mod no_labels;
mod recompute;
mod records;
mod regression;
mod report;
mod resume;
mod run;
mod scale;
mod several_gpus;
mod slurm;
mod status;
mod submit;
mod support;
mod tables;
mod tasks;
mod tensorboard;
mod tune;
mod tutorial;
mod usage;
mod verify_result;
mod writes;

#[path = "../support/mock_driver.rs"]
mod mock_driver;
