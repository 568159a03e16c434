# One library per layer, with exactly the arrows of layers.txt.
#
# millrace_read_layers(): reads layers.txt into MILLRACE_LAYERS and MILLRACE_LAYER_<name>.
# millrace_add_layer(<name> [SEPARATE] LIBRARIES <imported target>...): the library millrace_<name>
# from src/<name>/*.cc and, from every src/<name>/*_test.cc, the test program <name>_test. Sources
# are found by glob, so a new file, a test above all, cannot be forgotten.
#
# A library for clang's sanitizers, which is built from nothing most of the time, is compiled as one
# file: less than half of the time, since most of a source is the headers that it shares with the
# others.
# The sources of a layer therefore share no names in their unnamed namespaces, unless it is SEPARATE.
# All other builds compile every file by itself and so see that it includes what it uses.

function(millrace_read_layers)
  file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/layers.txt lines REGEX "^[a-z]+:")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                                         ${PROJECT_SOURCE_DIR}/cmake/layers.txt)
  set(names)
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([a-z]+):(.*)$" _ "${line}")
    set(name ${CMAKE_MATCH_1})
    string(STRIP "${CMAKE_MATCH_2}" below)
    string(REPLACE " " ";" below "${below}")
    list(APPEND names ${name})
    set(MILLRACE_LAYER_${name}
        ${below}
        PARENT_SCOPE)
  endforeach()
  set(MILLRACE_LAYERS
      ${names}
      PARENT_SCOPE)
endfunction()

function(millrace_add_layer name)
  cmake_parse_arguments(LAYER "SEPARATE" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*_test.cc)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")

  list(TRANSFORM MILLRACE_LAYER_${name} PREPEND millrace_ OUTPUT_VARIABLE below)
  if(sources)
    add_library(millrace_${name} STATIC ${sources})
    set(scope PUBLIC)
    # g++ 12 warns of coroutines that stand in an included file.
    if(MILLRACE_SANITIZE AND NOT LAYER_SEPARATE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      set_target_properties(millrace_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    endif()
    target_link_libraries(millrace_${name} PRIVATE millrace_warnings)
  else()
    add_library(millrace_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(millrace_${name} ${scope} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(millrace_${name} ${scope} ${below} ${LAYER_LIBRARIES})

  if(tests AND MILLRACE_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE millrace_${name} millrace_test_options
                                               millrace_warnings GTest::gtest_main GTest::gmock
                                               pugixml::pugixml)
    target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    millrace_precompile(${name}_test)
    # Only what uses the tests' own stores and disks links them, and what lies below them.
    foreach(test IN LISTS tests)
      file(STRINGS ${test} includes REGEX "#include \"support/")
      if(includes)
        target_link_libraries(${name}_test PRIVATE millrace_test_support)
      endif()
    endforeach()
    gtest_discover_tests(
      ${name}_test
      TEST_PREFIX ${name}.
      DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 300)
  endif()
endfunction()
