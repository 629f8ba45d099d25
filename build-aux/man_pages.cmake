# The manual pages of an executable and of its subcommands. It prints them itself, of what its --help
# is made, and does so whenever it has been built. They must not tell of the machine that builds.
function(fanmill_man_pages target)
  set(man ${PROJECT_BINARY_DIR}/share/man/man1)
  set(anywhere ${CMAKE_COMMAND} -E env --unset=XDG_STATE_HOME HOME=~)
  file(MAKE_DIRECTORY ${man})
  add_custom_command(TARGET ${target} POST_BUILD VERBATIM
    COMMAND ${anywhere} $<TARGET_FILE:${target}> --man-page > ${man}/${target}.1)
  foreach(subcommand IN LISTS ARGN)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${anywhere} $<TARGET_FILE:${target}> ${subcommand} --man-page
              > ${man}/${target}-${subcommand}.1)
  endforeach()
endfunction()
