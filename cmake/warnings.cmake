# The warnings that our own code must pass with, under g++ and clang alike. Libraries are SYSTEM
# includes and are not held to them.
add_library(millrace_warnings INTERFACE)
target_compile_options(
  millrace_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wshadow
            -Werror)
