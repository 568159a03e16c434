# What nearly every test includes, parsed once for all of them: a third of the time that a build of
# the tests takes from nothing. Off on a desk, where ccache does better without; never for src/ itself,
# so that each file of it is seen to include what it uses.
#
# millrace_precompile(<test program>): lets the program, compiled with -O0 and the libraries below,
# begin with these headers where MILLRACE_PRECOMPILE_TESTS is on.
option(MILLRACE_PRECOMPILE_TESTS "Precompile the headers that tests share" OFF)

if(MILLRACE_TESTS AND MILLRACE_PRECOMPILE_TESTS)
  # Written only where it is missing: a newer one would link every test anew.
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cc CONTENT "")
  add_library(millrace_precompiled STATIC ${PROJECT_BINARY_DIR}/precompiled.cc)
  target_compile_options(millrace_precompiled PRIVATE -O0)
  # A precompiled header serves only those who define the same as it did.
  target_link_libraries(
    millrace_precompiled
    PUBLIC millrace_asio GTest::gmock Boost::json Boost::url spdlog::spdlog
    PRIVATE millrace_warnings)
  target_precompile_headers(
    millrace_precompiled
    PRIVATE
    <gmock/gmock.h>
    <gtest/gtest.h>
    <algorithm>
    <array>
    <chrono>
    <filesystem>
    <fstream>
    <functional>
    <map>
    <memory>
    <optional>
    <set>
    <span>
    <string>
    <thread>
    <unordered_map>
    <vector>
    <boost/asio/awaitable.hpp>
    <boost/asio/co_spawn.hpp>
    <boost/asio/io_context.hpp>
    <boost/asio/ip/tcp.hpp>
    <boost/asio/post.hpp>
    <boost/asio/steady_timer.hpp>
    <boost/json.hpp>)
endif()

function(millrace_precompile program)
  if(TARGET millrace_precompiled)
    target_link_libraries(${program} PRIVATE millrace_precompiled)
    target_precompile_headers(${program} REUSE_FROM millrace_precompiled)
  endif()
endfunction()
