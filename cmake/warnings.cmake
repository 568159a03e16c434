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
if(MILLRACE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # What the sanitizers of g++ 12 weave in makes its flow analysis see ghosts, in the standard
  # library's code above all; the plain builds hold these two.
  target_compile_options(millrace_warnings INTERFACE -Wno-maybe-uninitialized
                                                     -Wno-free-nonheap-object)
endif()
